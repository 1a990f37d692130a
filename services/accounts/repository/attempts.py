"""Sign-ins that fail, counted: so that passwords cannot be tried by the thousand, and nobody is locked out by it.

An attempt takes its tokens before the password is looked at, so that a hundred at once are no way around; those that
succeed put them back. The counts are in Redis; without it each process counts for itself.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Final, NamedTuple

from services.accounts import domain
from shared.cache import Cache, CacheDown, Script
from shared.telemetry import log
from shared.throttling import Bucket, Buckets, Limit, network_of

# A turn is a key that appears with the first question and lies until the wait and the turn are over. Answers the
# milliseconds that are left to wait; 0 is the turn itself, and uses it up.
_TURN_LUA: Final = """
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('SET', KEYS[1], '', 'PX', ARGV[1] + ARGV[2])
  return tonumber(ARGV[1])
end
if left > tonumber(ARGV[2]) then return left - tonumber(ARGV[2]) end
redis.call('DEL', KEYS[1])
return 0
"""


class Attempt(NamedTuple):
    """A sign-in that may be tried, with the buckets it was taken from, together in each group."""

    taken: tuple[tuple[Bucket, ...], ...]


def _limit(name: str, tolerance: domain.Tolerance) -> Limit:
    return Limit.of(name, rate=tolerance.a_minute / 60, burst=tolerance.burst)


_DEVICE: Final = _limit("device", domain.BORNE_OF_DEVICE)
_ADDRESS_AT_ACCOUNT: Final = _limit("address at account", domain.BORNE_OF_ADDRESS_AT_ACCOUNT)
_ADDRESS: Final = _limit("address", domain.BORNE_OF_ADDRESS)
_ACCOUNT: Final = _limit("account", domain.BORNE_AT_ACCOUNT)


def begin_attempt(account_mark: str, address: str, device: domain.Device | None) -> Attempt:
    """Let a sign-in be tried. Raises TooManySignIns, which says the same whether there is such an account or not.

    A device that has signed in to this account has tolerance of its own, which nobody else can use up.
    """
    if os.environ.get("THROTTLING_ENABLED") == "0":
        return Attempt(())
    buckets, turn = _kept(os.environ.get("REDIS_URL") or None, os.environ.get("RESOURCE_PREFIX", "stagedoor"))
    if device is not None and device.account_mark == account_mark:
        own = (Bucket(f"device:{device.device_id}", _DEVICE),)
        if buckets.take(own).allowed:
            return Attempt((own,))
    network = network_of(address)
    account = (Bucket(f"account:{account_mark}", _ACCOUNT),)
    groups = [account] if buckets.take(account).allowed else []
    if not groups:
        _wait_for_turn(turn, f"turn:{account_mark}:{network}")
    here = (
        Bucket(f"{{address:{network}}}", _ADDRESS),
        Bucket(f"{{address:{network}}}:{account_mark}", _ADDRESS_AT_ACCOUNT),
    )
    taken = buckets.take(here)
    if not taken.allowed:
        for group in groups:
            buckets.take(group, -1)
        log("sign_in_slowed", level="WARNING", by="address")
        raise domain.TooManySignIns(taken.wait_seconds)
    return Attempt((*groups, here))


def forgive(attempt: Attempt) -> None:
    """Put back what a sign-in took that did not fail."""
    buckets, _ = _kept(os.environ.get("REDIS_URL") or None, os.environ.get("RESOURCE_PREFIX", "stagedoor"))
    for group in attempt.taken:
        buckets.take(group, -1)


def _wait_for_turn(turn: Script, key: str) -> None:
    wait, lasts = domain.STRANGERS_WAIT, domain.STRANGERS_TURN
    try:
        left = int(turn.run([key], [int(wait.total_seconds() * 1000), int(lasts.total_seconds() * 1000)]))
    except CacheDown:
        # What one process thinks must keep nobody waiting whom another would have served; addresses are still counted.
        return
    if left > 0:
        log("sign_in_slowed", level="WARNING", by="account")
        raise domain.TooManySignIns(-(-left // 1000))


@lru_cache(maxsize=4)
def _kept(url: str | None, resource_prefix: str) -> tuple[Buckets, Script]:
    cache = Cache(url, prefix=f"{resource_prefix}:accounts:sign-in")
    return Buckets(cache), cache.script("turn", _TURN_LUA)
