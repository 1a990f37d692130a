"""What requests cost, to the unit, as DynamoDB Local reports it and as the documentation says of refusals."""

from __future__ import annotations

import threading
from contextvars import copy_context
from datetime import UTC, datetime

import pytest
from pynamodb.attributes import UnicodeAttribute

from shared.data import (
    AlreadyExists,
    Check,
    ConditionRefused,
    Insert,
    ListedRow,
    TransactionRefused,
    Update,
    consumed,
    delete,
    fetch,
    fetch_many,
    insert,
    query_page,
    transact,
    update,
)

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)


class Thing(ListedRow):
    class Meta:
        table_variable = "KIT_TABLE_NAME"

    text = UnicodeAttribute(null=True)


def test_a_put_costs_one_unit_a_kilobyte(pk: str) -> None:
    with consumed() as small:
        insert(Thing(pk, "small", text="x" * 500), now=NOW)
    with consumed() as big:
        insert(Thing(pk, "big", text="x" * 1500), now=NOW)
    assert (small.writes, small.reads, small.requests) == (1.0, 0.0, 1)
    assert (big.writes, big.reads, big.requests) == (2.0, 0.0, 1)


def test_an_index_costs_the_same_again(pk: str, table: str) -> None:
    with consumed() as meter:
        insert(Thing(pk, "listed", listing_pk=pk, listing_sk="1"), now=NOW)
    assert (meter.writes, meter.index_writes) == (2.0, 1.0)
    assert meter.tables[table].writes == 2.0
    with consumed() as unlisted:
        insert(Thing(pk, "unlisted"), now=NOW)
    assert (unlisted.writes, unlisted.index_writes) == (1.0, 0.0)


def test_a_transaction_costs_double(pk: str) -> None:
    with consumed() as meter:
        transact(Insert(Thing(pk, "a")), Insert(Thing(pk, "b")), now=NOW)
    assert (meter.writes, meter.reads, meter.requests) == (4.0, 0.0, 1)
    with consumed() as mixed:
        transact(Update(Thing, pk, "a", [Thing.text.set("x")]), Check(Thing, pk, "b", Thing.pk.exists()), now=NOW)
    assert (mixed.writes, mixed.requests) == (4.0, 1)
    with consumed() as listed:
        transact(*[Insert(Thing(pk, sk, listing_pk=pk, listing_sk=sk)) for sk in ("c", "d", "e")], now=NOW)
    assert (listed.writes, listed.index_writes) == (12.0, 6.0)
    with consumed() as big:
        transact(Insert(Thing(pk, "f", text="x" * 1500)), Insert(Thing(pk, "g", text="x" * 1500)), now=NOW)
    assert big.writes == 8.0


def test_an_update_and_a_removal_cost_what_the_item_does(pk: str) -> None:
    row = Thing(pk, "a", text="x" * 1500)
    insert(row, now=NOW)
    with consumed() as meter:
        update(Thing, pk, "a", actions=[Thing.text.set("short")], now=NOW)
    assert meter.writes == 2.0
    row = fetch(Thing, pk, "a")  # type: ignore[assignment]
    with consumed() as removal:
        delete(row)
    assert removal.writes == 1.0


def test_reads_cost_half_where_they_need_not_be_consistent(pk: str) -> None:
    insert(Thing(pk, "a", text="x" * 3000, listing_pk=pk, listing_sk="1"), now=NOW)
    insert(Thing(pk, "b"), now=NOW)
    with consumed() as consistent:
        fetch(Thing, pk, "a")
    with consumed() as eventual:
        fetch(Thing, pk, "a", consistent=False)
    with consumed() as nothing:
        fetch(Thing, pk, "nothing")
    with consumed() as several:
        fetch_many(Thing, [(pk, "a"), (pk, "b")])
    with consumed() as page:
        query_page(Thing, pk, index="listing")
    assert (consistent.reads, eventual.reads, nothing.reads) == (1.0, 0.5, 1.0)
    assert (several.reads, several.requests) == (2.0, 1)
    assert (page.reads, page.writes, page.requests) == (0.5, 0.0, 1)


def test_a_refused_write_is_reckoned_by_the_larger_item(pk: str) -> None:
    insert(Thing(pk, "big", text="x" * 2500), now=NOW)
    with consumed() as put, pytest.raises(AlreadyExists):
        insert(Thing(pk, "big"), now=NOW)
    with consumed() as change, pytest.raises(ConditionRefused):
        update(Thing, pk, "nothing", actions=[Thing.text.set("x")], condition=Thing.pk.exists(), now=NOW)
    with consumed() as several, pytest.raises(TransactionRefused):
        transact(Insert(Thing(pk, "big")), Insert(Thing(pk, "new")), now=NOW)
    assert (put.writes, put.reckoned_writes) == (3.0, 3.0)
    assert (change.writes, change.reckoned_writes) == (1.0, 1.0)
    assert (several.writes, several.reckoned_writes) == (2 * 3.0 + 2 * 1.0, 8.0)


def test_meters_nest_and_stop_with_their_block(pk: str) -> None:
    with consumed() as outer:
        insert(Thing(pk, "1"), now=NOW)
        with consumed() as inner:
            insert(Thing(pk, "2"), now=NOW)
    insert(Thing(pk, "3"), now=NOW)
    assert (outer.writes, inner.writes) == (2.0, 1.0)


def test_a_meter_counts_its_own_context_only(pk: str) -> None:
    with consumed() as meter:
        stranger = threading.Thread(target=insert, args=(Thing(pk, "1"),), kwargs={"now": NOW})
        copy = copy_context()
        own = threading.Thread(target=lambda: copy.run(insert, Thing(pk, "2"), now=NOW))
        for thread in (stranger, own):
            thread.start()
        for thread in (stranger, own):
            thread.join()
    assert meter.writes == 1.0
