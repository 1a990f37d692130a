"""How a route is throttled: by whom it counts its callers, what a request costs, and what clients are told of it."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import msgspec

from shared.cache import Cache
from shared.http.call import Call
from shared.http.problems import TooMany
from shared.throttling import Bucket, Buckets, BucketsHere, Metered, Taken, left, network_of, plans, policy
from shared.throttling.headers import LEFT, POLICY


class Throttle(msgspec.Struct, frozen=True):
    """What a request costs, in tokens, and where it is counted: by all processes, by each for itself, or nowhere."""

    cost: int = 1
    counted: Literal["together", "in-process", "nowhere"] = "together"


THROTTLED: Final = Throttle()
# For reads that are answered from memory: a round trip to Redis would cost more than what it protects.
IN_PROCESS: Final = Throttle(counted="in-process")
# For what must always be answered: health, what waiting people ask once a second, those who report payments.
EXEMPT: Final = Throttle(counted="nowhere")


def costing(cost: int) -> Throttle:
    """The throttle of a route whose requests are worth `cost` ordinary ones."""
    return Throttle(cost=cost)


class Admitted(NamedTuple):
    """A request that was let through: the policy it came under, as clients are told it, and how its bucket stands."""

    policy: str
    taken: Taken

    def headers(self) -> dict[str, str]:
        """What the one who asked is told."""
        return {POLICY: self.policy, LEFT: left(self.taken.standings)}


class Gate:
    """The throttle of one route at work. Raises ValueError for a cost that a plan's burst could never pay."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._address = plans().limit("anonymous")
        self._person = plans().limit("free")
        self._keys = {name: plans().limit(name) for name in plans().offered}
        affordable = min(self._address.burst, self._person.burst)
        if not 1 <= throttle.cost <= affordable:
            raise ValueError(f"a request costs 1 to {affordable} tokens, not {throttle.cost}")
        self._policies = {each.name: policy([each]) for each in (self._address, *self._keys.values())}

    def admit(self, call: Call) -> Admitted | None:
        """Lets a request through, and answers what to `tell` with its answer, whatever becomes of it.

        None where it is not counted. Raises TooMany with Retry-After.
        """
        throttle = self._throttle
        if throttle.counted == "nowhere" or os.environ.get("THROTTLING_ENABLED") == "0":
            return None
        metered = _metered(call)
        bucket = self._bucket_of(call, metered)
        taken = _take(throttle, bucket, metered)
        admitted = Admitted(self._policies[bucket.limit.name], taken)
        if not taken.allowed:
            raise TooMany(
                "Come back after the seconds in Retry-After.",
                retry_after=taken.wait_seconds,
                headers=admitted.headers(),
            )
        return admitted

    def _bucket_of(self, call: Call, metered: Metered | None) -> Bucket:
        """Whoever is signed in counts as that person alone: many may share an address, and one may change it.

        An API key counts by itself, with the limit of its organiser's plan; a plan that is no more is the free one.
        """
        if metered is not None and call.identity is not None:
            return Bucket(metered.bucket_key, self._keys.get(call.identity.plan or "", self._person))
        if call.identity is not None:
            return Bucket(f"throttle:person:{call.identity.person_id}", self._person)
        return Bucket(f"throttle:address:{network_of(call.source_ip)}", self._address)


def _metered(call: Call) -> Metered | None:
    """Whose use of the API the request is: an API key's, of its organiser. People's is not counted."""
    identity = call.identity
    if identity is None or identity.api_key_id is None:
        return None
    return Metered(next(iter(identity.roles), ""), identity.api_key_id, call.now.date())


def undeclared(*, public: bool, method: str, cache: str | None) -> Throttle:
    """The throttle of a route that declares none: counted in-process where every cache may keep a public read."""
    return IN_PROCESS if public and method == "GET" and is_shared(cache) else THROTTLED


def tell(answer: dict[str, str], admitted: Admitted) -> None:
    """Puts the headers of a request that was let through into those of its answer.

    An answer that caches give to others says nothing of how many requests are left to whoever asked first.
    """
    if is_shared(answer.get("Cache-Control")):
        answer[POLICY] = admitted.policy
    else:
        answer.update(admitted.headers())


def is_shared(cache_control: str | None) -> bool:
    """Whether every cache may give the answer to others."""
    return cache_control is not None and cache_control.startswith("public")


def _take(throttle: Throttle, bucket: Bucket, metered: Metered | None) -> Taken:
    if throttle.counted == "in-process" and metered is None:
        return _here().take((bucket,), throttle.cost)
    buckets = _buckets(os.environ.get("REDIS_URL") or None, os.environ.get("RESOURCE_PREFIX", "stagedoor"))
    take = buckets.take if throttle.counted == "together" else buckets.take_here
    return take((bucket,), throttle.cost, metered)


@lru_cache(maxsize=1)
def _here() -> BucketsHere:
    return BucketsHere()


@lru_cache(maxsize=4)
def _buckets(url: str | None, resource_prefix: str) -> Buckets:
    return Buckets(Cache(url, prefix=resource_prefix), _here())
