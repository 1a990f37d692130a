"""Lists in pages: complete, in order, and with cursors that serve nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pynamodb.attributes import UnicodeAttribute

from shared.data import BadCursor, IntegerAttribute, ListedRow, insert, query_all, query_page, reads
from tests.integration.data.conftest import Line

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)


class Entry(ListedRow):
    class Meta:
        table_variable = "KIT_TABLE_NAME"

    number = IntegerAttribute()
    text = UnicodeAttribute(null=True)


@pytest.fixture
def entries(pk: str) -> str:
    """Twenty-five rows e#00 to e#24 and three others under one partition; the even ones are listed, backwards."""
    for number in range(25):
        listed: dict[str, Any] = {"listing_pk": f"list-{pk}", "listing_sk": f"{99 - number}"} if number % 2 == 0 else {}
        insert(Entry(pk, f"e#{number:02}", number=number, **listed), now=NOW)
    for number in range(3):
        insert(Entry(pk, f"other#{number}", number=number), now=NOW)
    return pk


def walk(pk: str, **query: Any) -> list[list[int]]:
    pages, cursor = [], None
    while True:
        page = query_page(Entry, pk, cursor=cursor, **query)
        pages.append([row.number for row in page.items])
        if page.next is None:
            return pages
        cursor = page.next


def test_pages_are_complete_in_order_and_the_last_is_known_as_such(entries: str) -> None:
    pages = walk(entries, sk_prefix="e#", limit=5)
    assert [len(page) for page in pages] == [5, 5, 5, 5, 5]
    assert [number for page in pages for number in page] == list(range(25))
    assert [len(page) for page in walk(entries, sk_prefix="e#", limit=10)] == [10, 10, 5]
    assert walk(entries, sk_prefix="nothing#") == [[]]


def test_the_other_way_round(entries: str) -> None:
    pages = walk(entries, sk_prefix="e#", limit=7, newest_first=True)
    assert [number for page in pages for number in page] == list(range(24, -1, -1))


def test_through_the_index(entries: str) -> None:
    pages = walk(f"list-{entries}", index="listing", limit=4)
    assert [number for page in pages for number in page] == list(range(24, -2, -2))
    assert [len(page) for page in pages] == [4, 4, 4, 1]


def test_between_two_keys(entries: str) -> None:
    assert walk(entries, sk_between=("e#03", "e#06"), limit=3) == [[3, 4, 5], [6]]


def test_a_filter_fills_its_pages(entries: str) -> None:
    pages = walk(entries, sk_prefix="e#", where=Entry.listing_pk.does_not_exist(), limit=5)
    assert pages == [[1, 3, 5, 7, 9], [11, 13, 15, 17, 19], [21, 23]]


def test_pages_that_dynamodb_cuts_short_are_filled(entries: str, line: Line) -> None:
    def cut(operation: str, request: dict[str, Any]) -> None:
        if operation == "Query":
            request["Limit"] = min(request.get("Limit", 2), 2)

    line.before_each(cut)
    assert walk(entries, sk_prefix="e#", limit=10) == [list(range(10)), list(range(10, 20)), list(range(20, 25))]
    assert [row.number for row in query_all(Entry, entries, sk_prefix="e#")] == list(range(25))
    assert [row.number for row in query_all(Entry, entries, sk_prefix="e#", newest_first=True, consistent=True)] == (
        list(range(24, -1, -1))
    )


def test_limits_are_kept_within_bounds(entries: str) -> None:
    assert len(query_page(Entry, entries, limit=0).items) == 1
    assert len(query_page(Entry, entries, limit=10**9).items) == 28
    assert reads.PAGE_MAX == 200


@pytest.mark.parametrize(
    "other",
    [
        {"sk_prefix": "other#"},
        {"sk_prefix": None},
        {"newest_first": True},
        {"where": Entry.number > 3},
        {"scope": "somebody"},
        {"sk_prefix": None, "sk_between": ("e#00", "e#99")},
    ],
)
def test_a_cursor_serves_its_own_query_only(entries: str, other: dict[str, Any]) -> None:
    own: dict[str, Any] = {"sk_prefix": "e#", "limit": 5}
    cursor = query_page(Entry, entries, **own).next
    assert [row.number for row in query_page(Entry, entries, cursor=cursor, **own).items] == [5, 6, 7, 8, 9]
    with pytest.raises(BadCursor):
        query_page(Entry, entries, cursor=cursor, **{**own, **other})
    with pytest.raises(BadCursor):
        query_page(Entry, entries + "-of-another-tenant", cursor=cursor, **own)


def test_the_size_of_pages_may_change_on_the_way(entries: str) -> None:
    cursor = query_page(Entry, entries, sk_prefix="e#", limit=5).next
    page = query_page(Entry, entries, sk_prefix="e#", limit=2, cursor=cursor)
    assert [row.number for row in page.items] == [5, 6]


def test_a_cursor_of_the_table_does_not_serve_the_index(entries: str) -> None:
    cursor = query_page(Entry, f"list-{entries}", index="listing", limit=2).next
    with pytest.raises(BadCursor):
        query_page(Entry, f"list-{entries}", limit=2, cursor=cursor)
