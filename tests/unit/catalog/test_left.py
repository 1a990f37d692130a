"""The word for what is left of an event, out of what was told and the times of its sales."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from services.catalog.domain.availability import Told, left_of
from services.catalog.domain.search import posting_of
from tests.property.catalog.search_model import an_event

NOW = datetime(2027, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def told(left: Any) -> Told:
    return Told(left=left, counted_at=NOW, version=1)


def with_sales(*sales: tuple[datetime | None, datetime | None]) -> Any:
    event = an_event(NOW, 30, prices=tuple(range(len(sales))))
    types = [
        structs.replace(one, sale_starts_at=starts, sale_ends_at=ends)
        for one, (starts, ends) in zip(event.ticket_types, sales, strict=True)
    ]
    return structs.replace(event, ticket_types=tuple(types))


@pytest.mark.parametrize(
    ("sales", "word"),
    [
        ([(None, None)], "available"),
        ([(NOW + HOUR, None)], "not-on-sale"),
        ([(NOW, None)], "available"),
        ([(None, NOW)], "not-on-sale"),
        ([(None, NOW + HOUR)], "available"),
        ([(NOW + HOUR, None), (None, NOW - HOUR)], "available"),
        ([(NOW + HOUR, None), (NOW + 2 * HOUR, None)], "not-on-sale"),
        ([], "not-on-sale"),
    ],
)
def test_an_event_is_on_sale_from_its_first_sale_to_the_end_of_its_last(sales: Any, word: str) -> None:
    event = with_sales(*sales)
    assert left_of(event, None, NOW) == word
    assert left_of(posting_of(event), None, NOW) == word, "a posting says as much"


@pytest.mark.parametrize("word", ["available", "few-left", "sold-out", "not-on-sale"])
def test_what_was_told_is_said_while_an_event_is_on_sale(word: str) -> None:
    assert left_of(with_sales((None, None)), told(word), NOW) == word


def test_sold_out_is_said_at_any_time_and_a_draft_is_not_on_sale() -> None:
    over = with_sales((None, NOW - HOUR))
    assert left_of(over, told("sold-out"), NOW) == "sold-out"
    assert left_of(over, told("few-left"), NOW) == "not-on-sale"
    assert left_of(structs.replace(with_sales((None, None)), state="draft"), None, NOW) == "not-on-sale"
