"""Reservations' authorizer in a process of its own: reads `{"now", "token"}` by lines, answers each with a word.

Run by `test_revocations.py`. The time it answers at is the one it is told.
"""

from __future__ import annotations

import json
import sys

from services.reservations.app import authorize
from shared import clock
from shared.auth import AccessRefused

ARN = "arn:aws:execute-api:us-east-1:1:api/test/GET/v1/holds"


def answer(line: str) -> str:
    """Whether the token is let in at that time."""
    asked = json.loads(line)
    event = {"type": "TOKEN", "authorizationToken": f"Bearer {asked['token']}", "methodArn": ARN}
    with clock.fixed(clock.from_iso(asked["now"])):
        try:
            authorize(event, None)
        except AccessRefused:
            return "refused"
    return "let in"


if __name__ == "__main__":
    for each in sys.stdin:
        print(answer(each), flush=True)
