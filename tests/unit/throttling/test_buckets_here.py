"""The buckets of one process, which is what counts while Redis is away."""

from __future__ import annotations

from shared.cache import Cache
from shared.throttling import Bucket, Buckets, BucketsHere, Limit, left, policy

LIMIT = Limit.of("free", rate=2, burst=3)
ANNA = Bucket("anna", LIMIT)


class Time:
    """A clock that stands until it is told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_burst_passes_and_then_as_much_as_the_rate_gives() -> None:
    time = Time()
    here = BucketsHere(monotonic=time)
    assert [here.take([ANNA]).allowed for _ in range(5)] == [True, True, True, False, False]
    time.seconds += 0.5
    assert [here.take([ANNA]).allowed for _ in range(2)] == [True, False]
    time.seconds += 60
    assert [here.take([ANNA]).allowed for _ in range(4)] == [True, True, True, False]


def test_each_has_a_bucket_of_its_own() -> None:
    here = BucketsHere(monotonic=Time())
    assert here.take([ANNA], 3).allowed
    assert not here.take([ANNA]).allowed
    assert here.take([Bucket("ben", LIMIT)]).allowed


def test_of_several_buckets_all_are_taken_from_or_none() -> None:
    here = BucketsHere(monotonic=Time())
    small, large = (
        Bucket("small", Limit.of("small", rate=1, burst=1)),
        Bucket("large", Limit.of("large", rate=1, burst=9)),
    )
    assert here.take([small, large]).allowed
    refused = here.take([small, large])
    assert [each.remaining for each in refused.standings] == [0, 8]
    assert [each.wait_seconds for each in refused.standings] == [1, 0]
    assert (refused.allowed, refused.wait_seconds) == (False, 1)


def test_what_was_put_back_can_be_taken_again_and_never_more() -> None:
    here = BucketsHere(monotonic=Time())
    here.take([ANNA], 3)
    here.take([ANNA], -1)
    assert [here.take([ANNA]).allowed for _ in range(2)] == [True, False]
    here.take([ANNA], -100)
    assert [here.take([ANNA]).allowed for _ in range(4)] == [True, True, True, False]


def test_a_process_remembers_a_bounded_number_of_callers() -> None:
    here = BucketsHere(kept_max=100, monotonic=Time())
    for number in range(1000):
        here.take([Bucket(f"somebody {number}", LIMIT)])
    assert len(here) == 100
    assert not here.take([Bucket("somebody 999", LIMIT)], 3).allowed
    assert here.take([Bucket("somebody 0", LIMIT)], 3).allowed


def test_where_there_is_no_redis_each_process_counts_for_itself() -> None:
    processes = [Buckets(Cache(None, prefix="t"), BucketsHere(monotonic=Time())) for _ in range(2)]
    through = [[each.take([ANNA]).allowed for _ in range(5)].count(True) for each in processes]
    assert through == [3, 3]


def test_the_headers_are_structured_fields() -> None:
    here = BucketsHere(monotonic=Time())
    taken = here.take([ANNA, Bucket("address", Limit.of("anonymous", rate=0.3, burst=10))])
    assert policy([each.limit for each in taken.standings]) == '"free";q=3;w=2, "anonymous";q=10;w=34'
    assert left(taken.standings) == '"free";r=2;t=1, "anonymous";r=9;t=4'
