"""Loads the season of `data/` and the demo accounts, the way any client would: over REST."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from runtime.provisioning import ROOT

SEASON = ROOT / "data" / "nyphil-2024-25.json"
PASSWORD = "stagedoor-demo"
ORGANISER = "New York Philharmonic"
PEOPLE = {
    "organiser": ("organiser@stagedoor.example", "Olive Organiser"),
    "buyer": ("buyer@stagedoor.example", "Bea Buyer"),
    "scanner": ("scanner@stagedoor.example", "Sam Scanner"),
}
_IMPORT_SECONDS_MAX = 240.0
_REQUEST_SECONDS_MAX = 60.0


class SeasonFailed(Exception):
    """The season could not be loaded; the text says which call gave which answer."""


def load_season(address: str, state: Path, say: Callable[[str], None]) -> None:
    """Signs the demo people up and imports the season. Does nothing when this very season was loaded before."""
    mark = state / "season.json"
    loaded = hashlib.sha256(SEASON.read_bytes()).hexdigest()
    if mark.exists() and json.loads(mark.read_text(encoding="utf-8")).get("sha256") == loaded:
        return
    say(f"Loading the season from {SEASON.relative_to(ROOT)}")
    with httpx.Client(base_url=address, timeout=_REQUEST_SECONDS_MAX) as client:
        for email, name in PEOPLE.values():
            _call(client, "POST", "/v1/people", {"email": email, "password": PASSWORD, "name": name}, (201, 409))
        token = _signed_in(client, "organiser")
        organiser_id = _organiser(client, token)
        token = _signed_in(client, "organiser")
        member = {"email": PEOPLE["scanner"][0], "role": "scanner"}
        _call(client, "POST", f"/v1/organisers/{organiser_id}/members", member, (201, 409), token)
        _imported(client, organiser_id, token, say)
    mark.write_text(json.dumps({"sha256": loaded}), encoding="utf-8")


def _imported(client: httpx.Client, organiser_id: str, token: str, say: Callable[[str], None]) -> None:
    """Asks for the import until it is complete: a request has the time of a Lambda, a season may need several."""
    season = {"organiser_id": organiser_id, "source": "nyphil-performance-history"}
    deadline = time.monotonic() + _IMPORT_SECONDS_MAX
    while time.monotonic() < deadline:
        answer = client.post("/v1/imports", json=season, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code == 503:
            # The catalog hears of a new organiser by a message, which takes its time.
            time.sleep(0.3)
            continue
        report = _expected(answer, "POST /v1/imports", (200, 201))
        if not report["complete"]:
            say(f"  {report['remaining']} concerts to go")
            continue
        moved = f"moved by {report['weeks_moved']} weeks to lie ahead"
        say(f"  {report['programs']} programmes and {report['concerts']} concerts, {moved}")
        for row in (*report["unread"], *report["unpublished"]):
            say(f"    {row['row']} (programme {row['program_id']}): {row['reason']}")
        return
    raise SeasonFailed(f"the season was not in after {_IMPORT_SECONDS_MAX:.0f} s")


def _signed_in(client: httpx.Client, role: str) -> str:
    body = {"email": PEOPLE[role][0], "password": PASSWORD}
    return str(_call(client, "POST", "/v1/sessions", body, (201,))["access_token"])


def _organiser(client: httpx.Client, token: str) -> str:
    """The demo organiser's id: the one the person is a member of already, or a new one."""
    me = _call(client, "GET", "/v1/people/me", None, (200,), token)
    for membership in me.get("memberships", []):
        return str(membership["organiser_id"])
    return str(_call(client, "POST", "/v1/organisers", {"name": ORGANISER}, (201,), token)["organiser_id"])


def _call(
    client: httpx.Client, method: str, path: str, body: Any, expected: tuple[int, ...], token: str | None = None
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return _expected(client.request(method, path, json=body, headers=headers), f"{method} {path}", expected)


def _expected(answer: httpx.Response, asked: str, expected: tuple[int, ...]) -> dict[str, Any]:
    if answer.status_code not in expected:
        raise SeasonFailed(f"{asked} answered {answer.status_code}: {answer.text[:500]}")
    parsed: dict[str, Any] = answer.json() if answer.content else {}
    return parsed
