"""Sixteen threads let go at once: one wins, and without the guard more than one does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pynamodb.attributes import UnicodeAttribute

from shared.data import AlreadyExists, DataError, IntegerAttribute, Row, fetch, insert, replace, update, writes
from tests.integration.data.conftest import Line

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
THREADS = 16


class Counter(Row):
    class Meta:
        table_variable = "KIT_TABLE_NAME"

    holder = UnicodeAttribute(null=True)
    number = IntegerAttribute(default=0)


def race(act: Callable[[int], None]) -> list[int]:
    """Lets all threads act at once; the numbers of those that were not refused."""
    barrier = threading.Barrier(THREADS)
    won: list[int] = []
    broken: list[BaseException] = []

    def run(number: int) -> None:
        barrier.wait()
        try:
            act(number)
        except DataError:
            return
        except BaseException as trouble:
            broken.append(trouble)
        else:
            won.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    return won


def read(pk: str) -> Counter:
    row = fetch(Counter, pk, "c")
    assert row is not None
    return row


def replace_race(pk: str) -> list[int]:
    insert(Counter(pk, "c"), now=NOW)
    rows = [read(pk) for _ in range(THREADS)]

    def act(number: int) -> None:
        rows[number].holder = f"thread {number}"
        rows[number].number += 1
        replace(rows[number], now=NOW)

    return race(act)


def test_one_replace_wins(pk: str) -> None:
    (winner,) = replace_race(pk)
    assert (read(pk).holder, read(pk).version, read(pk).number) == (f"thread {winner}", 2, 1)


def test_without_the_condition_many_replaces_win(pk: str, line: Line) -> None:
    """The negative control: the same race with the condition taken from the request."""

    def unguard(operation: str, request: dict[str, Any]) -> None:
        if operation == "PutItem" and request["Item"]["version"] == {"N": "2"}:
            for part in ("ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"):
                request.pop(part, None)

    line.before_each(unguard)
    assert len(replace_race(pk)) > 1


def same_insert_race(pk: str) -> list[int]:
    # Equal in every attribute, time included: what two requests of one millisecond would write.
    return race(lambda number: insert(Counter(pk, "c", holder="same"), now=NOW))


def test_one_insert_wins_among_equal_ones(pk: str) -> None:
    assert len(same_insert_race(pk)) == 1


def test_without_the_mark_equal_inserts_take_each_other_for_themselves(
    pk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: recognition by content alone, the mark left out."""
    by_content = writes.is_own

    def without_mark(stored: dict[str, Any], sent: dict[str, Any]) -> bool:
        return by_content({**stored, "write_id": {"B": b""}}, {**sent, "write_id": {"B": b""}})

    monkeypatch.setattr(writes, "is_own", without_mark)
    assert len(same_insert_race(pk)) > 1


def test_equal_replaces_count_once_each(pk: str) -> None:
    """Every thread adds one until it succeeds; equal content must not let two additions pass for one."""
    insert(Counter(pk, "c"), now=NOW)

    def add(number: int) -> None:
        while True:
            row = read(pk)
            row.number += 1
            try:
                replace(row, now=NOW)
            except DataError:
                continue
            return

    assert len(race(add)) == THREADS
    assert (read(pk).number, read(pk).version) == (THREADS, THREADS + 1)


def test_updates_in_place_lose_nothing(pk: str) -> None:
    insert(Counter(pk, "c"), now=NOW)
    won = race(lambda number: _add_in_place(pk))
    assert len(won) == THREADS
    assert (read(pk).number, read(pk).version) == (THREADS, THREADS + 1)


def _add_in_place(pk: str) -> None:
    update(Counter, pk, "c", actions=[Counter.number.add(1)], now=NOW)


def test_one_of_many_takes_what_is_free(pk: str) -> None:
    insert(Counter(pk, "c"), now=NOW)

    def take(number: int) -> None:
        update(
            Counter,
            pk,
            "c",
            actions=[Counter.holder.set(f"thread {number}")],
            condition=Counter.holder.does_not_exist(),
            now=NOW,
            own_effect=lambda old: old.holder == f"thread {number}",
        )

    (winner,) = race(take)
    assert read(pk).holder == f"thread {winner}"


def test_a_refused_insert_shows_the_winner(pk: str) -> None:
    insert(Counter(pk, "c", holder="first"), now=NOW)
    with pytest.raises(AlreadyExists) as refused:
        insert(Counter(pk, "c", holder="second"), now=NOW)
    assert isinstance(refused.value.stored, Counter)
    assert refused.value.stored.holder == "first"
