"""A search: what it asks, whether an event answers it, and in which order the answers come."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal

import msgspec

from services.catalog.domain.errors import CatalogError, FieldError, Incomplete
from services.catalog.domain.event import PUBLISHED_AHEAD_MAX
from services.catalog.domain.search.posting import Posting
from services.catalog.domain.search.words import city_of, word_term

Sort = Literal["starts_at", "-starts_at", "price", "relevance"]

WORDS_ASKED_MAX: Final = 8
# Of the words asked for, the lists of so many are tried; the one that leads on fastest is followed.
_LISTS_TRIED_MAX: Final = 3
# Postings a page looks at on its way: one by date ends there and goes on behind its cursor.
EXAMINED_MAX: Final = 500
# Of so many it is asked what is left of them, where what is sold out is not wanted; a page ends there as well.
JUDGED_MAX: Final = 200
# One by price or by relevance has to see all before it knows the first, and refuses to see more.
RANKED_MAX: Final = 1000
# The first and the last places of the earth to see a day begin and end.
_EARLIEST_ZONE: Final = timedelta(hours=14)
_LATEST_ZONE: Final = timedelta(hours=12)
# What a word found there counts: in the name, the people, the works, the venue.
_WEIGHTS: Final = (4, 3, 2, 1)


class TooManyMatches(CatalogError):
    """More events are in question than can be put in that order."""

    def __init__(self) -> None:
        super().__init__(f"more than {RANKED_MAX} events are in question; ask for fewer, or sort by starts_at")
        self.field = "sort"


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the events coming up. All that is given must hold of an event.

    `words` are prefixes of the event's words, folded as those are. Days are those of the venue, both included. Prices
    are in minor units of the event's own currency. What is `available` is not sold out, which no posting says.
    """

    words: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    venue_id: str | None = None
    city: str | None = None
    series_id: str | None = None
    organiser_id: str | None = None
    currency: str | None = None
    price_min: int | None = None
    price_max: int | None = None
    available: bool = False
    sort: Sort = "starts_at"

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms whose lists hold every answer, the most telling ones; none where only the date tells."""
        if self.series_id is not None:
            return (f"series:{self.series_id}",)
        longest = sorted(self.words, key=len, reverse=True)
        of_words = dict.fromkeys(term for word in longest if (term := word_term(word)) is not None)
        places = {"venue": self.venue_id, "city": self.city, "organiser": self.organiser_id}
        return (*of_words, *(f"{kind}:{value}" for kind, value in places.items() if value is not None))[
            :_LISTS_TRIED_MAX
        ]

    @property
    def is_whole_list(self) -> bool:
        """Whether every posting of the one list to be read is an answer, so that no more is read than is shown."""
        asked = [self.venue_id, self.city, self.series_id, self.organiser_id, self.first_day, self.last_day]
        given = [one for one in (*asked, self.currency, self.price_min, self.price_max) if one is not None]
        return not self.words and len(given) == len(self.terms) <= 1

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """The earliest and the latest moment (UTC) an answer can start at: never before now."""
        first, last = now, now + PUBLISHED_AHEAD_MAX
        # Days far from now are no moments to reckon with: the calendar ends somewhere.
        if self.first_day is not None and self.first_day > now.date():
            first = max(first, _midnight(min(self.first_day, last.date() + timedelta(days=2))) - _EARLIEST_ZONE)
        if self.last_day is not None and self.last_day < last.date():
            last = min(last, _midnight(max(self.last_day, now.date() - timedelta(days=2)), 1) + _LATEST_ZONE)
        return first, last

    def matches(self, posting: Posting) -> bool:
        """Whether an event that is still to come answers the search."""
        return (
            self.venue_id in (None, posting.venue_id)
            and self.series_id in (None, posting.series_id)
            and self.organiser_id in (None, posting.organiser_id)
            and self.currency in (None, posting.currency)
            and (self.city is None or self.city == city_of(posting.venue_city))
            and self._day_matches(posting)
            and self._price_matches(posting)
            and all(weight for weight in self._weights(posting))
        )

    def rank(self, posting: Posting) -> list[str | int]:
        """What the order goes by, smaller first; before the date, which parts those that are equal."""
        if self.sort == "relevance":
            return [-sum(self._weights(posting))]
        # Those without a price for everybody come last, and currencies are not mixed.
        return [posting.currency, posting.prices[0]] if posting.prices else ["~", 0]

    def _day_matches(self, posting: Posting) -> bool:
        if self.first_day is None and self.last_day is None:
            return True
        day = posting.starts_at.astimezone(_zone(posting.time_zone)).date()
        return (self.first_day or day) <= day <= (self.last_day or day)

    def _price_matches(self, posting: Posting) -> bool:
        if self.price_min is None and self.price_max is None:
            return True
        low, high = self.price_min or 0, self.price_max
        return any(low <= price and (high is None or price <= high) for price in posting.prices)

    def _weights(self, posting: Posting) -> Iterator[int]:
        """What each word asked for counts by its best place, a whole word double; 0 for one that is nowhere."""
        kinds = [words.split() for words in posting.words]
        for asked in self.words:
            yield max(
                (
                    weight * (2 if word == asked else 1)
                    for weight, words in zip(_WEIGHTS, kinds, strict=False)
                    for word in words
                    if word.startswith(asked)
                ),
                default=0,
            )


def check_search(search: Search, text: str | None, city: str | None) -> None:
    """Raises Incomplete naming every parameter that cannot be; `text` and `city` are the words as they were given."""
    errors = []
    if text is not None and not search.words:
        errors.append(FieldError("q", "there is no letter or digit in it"))
    if len(search.words) > WORDS_ASKED_MAX:
        errors.append(FieldError("q", f"at most {WORDS_ASKED_MAX} words are searched for"))
    if city is not None and not city_of(city):
        errors.append(FieldError("city", "there is no letter or digit in it"))
    if search.first_day is not None and search.last_day is not None and search.last_day < search.first_day:
        errors.append(FieldError("to", "the last day lies before the first"))
    if search.price_min is not None and search.price_max is not None and search.price_max < search.price_min:
        errors.append(FieldError("price_max", "the highest price lies below the lowest"))
    if search.sort == "relevance" and not search.words:
        errors.append(FieldError("sort", "without q nothing is more relevant than another"))
    if errors:
        raise Incomplete(errors)


@lru_cache(maxsize=256)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def _midnight(day: date, days_later: int = 0) -> datetime:
    return datetime.combine(day + timedelta(days=days_later), time(), UTC)
