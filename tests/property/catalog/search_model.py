"""What a search should find, worked out the plain way: every event is looked at, in memory, by rules of its own.

Nothing of the product is used but its values. Folding is by decomposition and a regular expression, days and prices are
compared one by one, and the order is Python's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.catalog.domain import Event, Pool, TicketType, Work
from shared.ids import new_id
from shared.money import Money


class Asked(NamedTuple):
    """The parameters of a search, as a person gives them."""

    q: str | None = None
    first: date | None = None
    last: date | None = None
    venue: str | None = None
    city: str | None = None
    series: str | None = None
    organiser: str | None = None
    currency: str | None = None
    price_min: int | None = None
    price_max: int | None = None
    available: bool = False
    sort: str = "starts_at"


def plain(text: str) -> list[str]:
    """The words of a text without case and accents."""
    bare = "".join(one for one in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(one))
    return re.findall(r"[^\W_]+", bare.replace("ø", "o").replace("ß", "ss"))


def answers(event: Event, asked: Asked, now: datetime) -> bool:
    """Whether the event must be found."""
    day = event.starts_at.astimezone(ZoneInfo(event.time_zone)).date()
    prices = [one.price.amount for one in event.ticket_types if one.access == "public"]
    wanted: list[bool] = [event.starts_at >= now]
    if asked.q is not None:
        have = plain(" ".join(words for words, _ in weighed(event)))
        wanted += [any(word.startswith(one) for word in have) for one in plain(asked.q)]
    if asked.first is not None:
        wanted.append(day >= asked.first)
    if asked.last is not None:
        wanted.append(day <= asked.last)
    for given, own in (
        (asked.venue, event.venue_id),
        (asked.series, event.series_id),
        (asked.organiser, event.organiser_id),
        (asked.currency, event.currency),
    ):
        wanted.append(given is None or given == own)
    if asked.city is not None:
        wanted.append(plain(asked.city) == plain(event.venue_city))
    if asked.price_min is not None or asked.price_max is not None:
        low, high = asked.price_min or 0, 10**12 if asked.price_max is None else asked.price_max
        wanted.append(any(low <= price <= high for price in prices))
    return all(wanted)


def weighed(event: Event) -> list[tuple[str, int]]:
    """The texts of an event, and what a word in each counts."""
    people = [name for work in event.programme for name in (work.composer, work.conductor, *work.soloists) if name]
    works = [work.title for work in event.programme]
    return [(event.name, 4), (" ".join(people), 3), (" ".join(works), 2), (event.venue_name, 1)]


def place(event: Event, asked: Asked) -> Any:
    """What the order goes by, smaller first."""
    at = (event.starts_at, event.event_id)
    if asked.sort == "price":
        prices = [one.price.amount for one in event.ticket_types if one.access == "public"]
        return ((event.currency, min(prices)) if prices else ("~", 0), at)
    if asked.sort == "relevance":
        counts = 0
        for one in plain(asked.q or ""):
            counts += max(
                weight * (1 + (word == one))
                for text, weight in weighed(event)
                for word in plain(text)
                if word.startswith(one)
            )
        return (-counts, at)
    if asked.sort == "-starts_at":
        # Later first, and among those of one moment the later id: both the other way round.
        return (-event.starts_at.timestamp(), [-ord(letter) for letter in event.event_id])
    return at


def expected(events: list[Event], asked: Asked, now: datetime, sold_out: Set[str] = frozenset()) -> list[str]:
    """The ids that a search must find, in order; `sold_out` are those that nobody finds who asks for what is left."""
    hidden = sold_out if asked.available else frozenset()
    found = [event for event in events if event.event_id not in hidden and answers(event, asked, now)]
    return [event.event_id for event in sorted(found, key=lambda event: place(event, asked))]


def an_event(now: datetime, days: float, **values: Any) -> Event:
    """A published event so many days ahead, with those values in place of the plain ones."""
    prices = values.pop("prices", (4500,))
    currency = values.pop("currency", "USD")
    works = values.pop("works", ())
    pool = Pool(pool_id=new_id("pol"), name="Floor", kind="general", capacity=10)
    plain_values: dict[str, Any] = {
        "event_id": new_id("evt"),
        "organiser_id": "org_01m85kmgtca0g4fmfchr064yk5",
        "organiser_name": "Hall of Tests",
        "name": "An Evening",
        "venue_id": "ven_01m85kmgtca0g4fmfchr064yk5",
        "venue_name": "Test Hall",
        "venue_city": "New York",
        "time_zone": "America/New_York",
    }
    return Event(
        **{**plain_values, **values},
        state="published",
        starts_at=now + timedelta(days=days),
        published_at=now,
        currency=currency,
        pools=(pool,),
        ticket_types=tuple(
            TicketType(
                ticket_type_id=new_id("tty"), name=f"T{price}", price=Money(price, currency), pool_id=pool.pool_id
            )
            for price in prices
        ),
        programme=tuple(Work(title=title, composer=composer) for composer, title in works),
    )
