"""RateLimit headers, as structured fields (draft-ietf-httpapi-ratelimit-headers).

`RateLimit-Policy: "free";q=200;w=10` says that 200 requests may come at once, and as many again within 10 s;
`RateLimit: "free";r=42;t=8` that 42 are left, and that all will be there again in 8 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.throttling.bucket import SECOND, Limit, Standing

POLICY: Final = "RateLimit-Policy"
LEFT: Final = "RateLimit"


def policy(limits: Sequence[Limit]) -> str:
    """The value of RateLimit-Policy."""
    return ", ".join(f'"{each.name}";q={each.burst};w={-(-each.depth // SECOND)}' for each in limits)


def left(standings: Sequence[Standing]) -> str:
    """The value of RateLimit."""
    return ", ".join(f'"{each.limit.name}";r={each.remaining};t={each.full_seconds}' for each in standings)
