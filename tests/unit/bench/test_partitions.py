"""The simulator of DynamoDB's partitions keeps to the documented limits."""

from __future__ import annotations

import pytest

from bench.partitions import READS_PER_SECOND, STEPS_PER_SECOND, WRITES_PER_SECOND, Bucket, Keyspace, place_of


def taken(keyspace: Keyspace, keys: list[str], seconds: int, per_step: int) -> list[int]:
    """How many of so many writes a step, over the keys by turns, were taken in each second."""
    counts = []
    number = 0
    for second in range(seconds):
        count = 0
        for step in range(second * STEPS_PER_SECOND, (second + 1) * STEPS_PER_SECOND):
            for _ in range(per_step):
                count += keyspace.write(keys[number % len(keys)], 1, step)
                number += 1
        keyspace.second_over((second + 1) * STEPS_PER_SECOND - 1)
        counts.append(count)
    return counts


def test_one_key_takes_a_thousand_writes_a_second_however_many_partitions_there_are() -> None:
    counts = taken(Keyspace(64), ["one"], 4, 50)
    # The first second has what was kept as well.
    assert counts[0] == pytest.approx(2 * WRITES_PER_SECOND, rel=0.02)
    assert counts[1:] == pytest.approx([WRITES_PER_SECOND] * 3, rel=0.02)


def test_many_keys_take_as_much_as_there_are_partitions() -> None:
    keys = [f"key {number}" for number in range(5000)]
    assert taken(Keyspace(4), keys, 3, 100)[-1] == pytest.approx(4 * WRITES_PER_SECOND, rel=0.05)


def test_a_hot_table_splits_and_a_hot_key_does_not_help_itself_by_it() -> None:
    keys = [f"key {number}" for number in range(5000)]
    table = Keyspace(1, split_seconds=1)
    assert taken(table, keys, 8, 40)[-1] == 40 * STEPS_PER_SECOND
    assert table.partitions >= 4
    single = Keyspace(1, split_seconds=1)
    assert taken(single, ["one"], 6, 40)[-1] == pytest.approx(WRITES_PER_SECOND, rel=0.02)
    assert single.partitions == 1


def test_two_hot_neighbours_are_parted_by_a_split() -> None:
    table = Keyspace(1, split_seconds=1)
    assert taken(table, ["one", "other"], 6, 18)[-1] == 18 * STEPS_PER_SECOND
    assert table.partitions == 2


def test_reads_have_a_limit_of_their_own() -> None:
    table = Keyspace(4)
    read = sum(table.read("one", 1, step) for step in range(STEPS_PER_SECOND) for _ in range(100))
    assert read == pytest.approx(2 * READS_PER_SECOND, rel=0.02)
    assert table.write("one", 1, STEPS_PER_SECOND)


def test_what_is_not_used_is_kept_for_one_second_and_no_longer() -> None:
    bucket = Bucket(100.0)
    assert bucket.take(100, 0)
    assert not bucket.take(2, 1)
    assert bucket.take(100, 60 * STEPS_PER_SECOND)
    assert not bucket.take(2, 60 * STEPS_PER_SECOND)


def test_keys_are_spread_evenly() -> None:
    quarters = [place_of(f"block#pol_x#{number}") >> 62 for number in range(8000)]
    assert all(abs(quarters.count(each) - 2000) < 150 for each in range(4))
