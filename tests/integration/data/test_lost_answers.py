"""A write that was done, whose answer was lost, and that is sent again: success, and done once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pynamodb.attributes import UnicodeAttribute

from shared.data import (
    AlreadyExists,
    ConditionRefused,
    DataError,
    Insert,
    IntegerAttribute,
    Replace,
    Row,
    StaleVersion,
    TransactionRefused,
    Unavailable,
    Update,
    deadline,
    delete,
    fetch,
    insert,
    replace,
    transact,
    update,
    writes,
)
from tests.integration.data.conftest import Line, Request

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)


class Thing(Row):
    class Meta:
        table_variable = "KIT_TABLE_NAME"

    name = UnicodeAttribute(null=True)
    number = IntegerAttribute(default=0)


def stored(pk: str, sk: str = "a") -> Thing:
    row = fetch(Thing, pk, sk)
    assert row is not None
    return row


def put(pk: str, sk: str = "a", name: str = "first") -> Thing:
    row = Thing(pk, sk, name=name)
    insert(row, now=NOW)
    return row


def do_insert(pk: str) -> None:
    insert(Thing(pk, "new", name="mine", number=3), now=NOW, announce=["kit.made.v1"])


def do_replace(pk: str) -> None:
    row = stored(pk)
    row.name = "mine"
    replace(row, now=NOW, announce=["kit.changed.v1"])
    assert row.version == 2


def do_update(pk: str) -> None:
    row = update(Thing, pk, "a", actions=[Thing.name.set("mine")], condition=Thing.name == "first", now=NOW)
    assert (row.name, row.version) == ("mine", 2)


def do_update_with_own_effect(pk: str) -> None:
    row = update(
        Thing,
        pk,
        "a",
        actions=[Thing.name.set("mine")],
        condition=Thing.name == "first",
        now=NOW,
        own_effect=lambda old: old.name == "mine",
    )
    assert (row.name, row.version) == ("mine", 2)


def do_transact(pk: str) -> None:
    row = stored(pk)
    row.name = "mine"
    transact(Replace(row), Insert(Thing(pk, "new", name="mine")), now=NOW)


def do_transact_updates(pk: str) -> None:
    write = Update(Thing, pk, "a", [Thing.name.set("mine")], Thing.name == "first")
    transact(write, Insert(Thing(pk, "new")), now=NOW)


WRITES: list[Callable[[str], None]] = [
    do_insert,
    do_replace,
    do_update,
    do_update_with_own_effect,
    do_transact,
    do_transact_updates,
]


def effects(pk: str) -> tuple[Any, ...]:
    first, new = stored(pk), fetch(Thing, pk, "new")
    made = None if new is None else (new.name, new.version, _announced(new))
    return (first.name, first.version, _announced(first), made)


def _announced(row: Thing) -> tuple[Any, ...]:
    assert row.outbox is not None
    return row.outbox["version"], row.outbox["types"]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("lost", [1, 3])
def test_a_lost_answer_is_no_failure_and_no_second_effect(
    write: Callable[[str], None], lost: int, pk: str, line: Line
) -> None:
    twin = pk + "-twin"
    put(pk)
    put(twin)
    write(twin)
    before = len(line.attempts)
    line.lose_answers(lost)
    write(pk)
    assert effects(pk) == effects(twin)
    assert len([attempt for attempt in line.attempts[before:] if attempt[0] != "GetItem"]) == 1 + lost


@pytest.mark.parametrize("write", WRITES)
def test_a_lost_request_is_sent_again(write: Callable[[str], None], pk: str, line: Line) -> None:
    twin = pk + "-twin"
    put(pk)
    put(twin)
    write(twin)
    line.lose_requests(2)
    write(pk)
    assert effects(pk) == effects(twin)


def forget_token(operation: str, request: Request) -> None:
    """Gives every attempt of a transaction another token, as if DynamoDB had forgotten the first one's."""
    if operation == "TransactWriteItems":
        request["ClientRequestToken"] = str(uuid.uuid4())


@pytest.mark.parametrize(
    ("write", "raised"),
    [
        (do_insert, AlreadyExists),
        (do_replace, StaleVersion),
        (do_transact, TransactionRefused),
        (do_transact_updates, TransactionRefused),
    ],
)
def test_without_the_recognition_the_first_effect_refuses_the_second(
    write: Callable[[str], None], raised: type[DataError], pk: str, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: this is what a lost answer does to a plain conditional write."""
    put(pk)
    monkeypatch.setattr(writes, "is_own", lambda stored, sent: False)
    line.before_each(forget_token)
    line.lose_answers(1)
    with pytest.raises(raised):
        write(pk)


def test_without_a_mark_or_an_own_effect_an_update_is_refused_by_itself(pk: str, line: Line) -> None:
    """The negative control for updates."""
    put(pk)
    line.lose_answers(1)
    with pytest.raises(ConditionRefused):
        update(
            Thing,
            pk,
            "a",
            actions=[Thing.name.set("mine")],
            condition=Thing.name == "first",
            now=NOW,
            own_effect=lambda old: False,
        )


def test_a_transaction_is_recognised_by_its_rows_where_its_token_is_forgotten(pk: str, line: Line) -> None:
    put(pk)
    line.before_each(forget_token)
    line.lose_answers(1)
    do_transact(pk)
    assert stored(pk).version == 2


def test_a_removal_whose_answer_was_lost_has_removed(pk: str, line: Line) -> None:
    row = put(pk)
    line.lose_answers(1)
    delete(row)
    assert fetch(Thing, pk, "a") is None


def test_an_insert_that_somebody_has_built_upon_is_not_taken_for_the_current_state(pk: str, line: Line) -> None:
    """Between the write and its resend somebody changed the row: the caller must see that, not a blind success."""

    def change(operation: str, request: Request) -> None:
        row = stored(pk)
        row.name = "theirs"
        replace(row, now=NOW)

    line.after_lost(change)
    line.lose_answers(1)
    with pytest.raises(AlreadyExists) as refused:
        put(pk)
    assert isinstance(refused.value.stored, Thing)
    assert (refused.value.stored.name, refused.value.stored.version) == ("theirs", 2)


def test_a_caller_may_insert_the_same_row_again_after_the_deadline(pk: str, line: Line) -> None:
    row = Thing(pk, "a", name="mine")
    line.lose_answers(1000)
    with deadline.within(0.2), pytest.raises(Unavailable):
        insert(row, now=NOW)
    line.lose_answers(0)
    insert(row, now=NOW)
    assert stored(pk).version == 1


def test_a_caller_may_replace_the_same_row_again_after_the_deadline(pk: str, line: Line) -> None:
    row = put(pk)
    row.name = "mine"
    line.lose_answers(1000)
    with deadline.within(0.2), pytest.raises(Unavailable):
        replace(row, now=NOW)
    assert row.version == 1
    line.lose_answers(0)
    replace(row, now=NOW)
    assert (row.version, stored(pk).version, stored(pk).name) == (2, 2, "mine")


def test_a_caller_may_transact_the_same_rows_again_after_the_deadline(pk: str, line: Line) -> None:
    changed, new = put(pk), Thing(pk, "new", name="mine")
    changed.name = "mine"
    line.lose_answers(1000)
    with deadline.within(0.2), pytest.raises(Unavailable):
        transact(Replace(changed), Insert(new), now=NOW)
    line.lose_answers(0)
    # Another call has another token, so only the rows can tell.
    transact(Replace(changed), Insert(new), now=NOW)
    assert (changed.version, stored(pk).version, stored(pk, "new").version) == (2, 2, 1)


def test_a_mark_does_not_excuse_another_content(pk: str) -> None:
    row = put(pk)
    row.name = "changed after it was put"
    with pytest.raises(AlreadyExists):
        insert(row, now=NOW)
