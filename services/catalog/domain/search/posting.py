"""Postings: what stands of an event in each list it can be found by, enough to show it and to judge a search by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import msgspec

from services.catalog.domain.event import Event, EventState
from services.catalog.domain.search.words import city_of, months_between, word_term, words_of
from shared.money import Money

# All postings of an event are moved in one transaction of 100 writes: as many go as come, beside the event's own row.
WORD_TERMS_MAX: Final = 40
# Keeps a posting within some kilobytes, whatever a programme holds.
WORDS_MAX: Final = 100


class Posting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A published event as the lists hold it.

    `prices` are those of the ticket types for everybody, in minor units, each once and the lowest first; the sale's
    times are those of the first and the last of them. `words` are those of its name, of the people, of the works and
    of the venue, each in the first of these that has it.
    """

    event_id: str
    organiser_id: str
    organiser_name: str | None = None
    name: str
    starts_at: datetime
    time_zone: str
    venue_id: str
    venue_name: str
    venue_city: str
    series_id: str | None = None
    series_name: str | None = None
    currency: str
    prices: tuple[int, ...] = ()
    sale_starts_at: datetime | None = None
    sale_ends_at: datetime | None = None
    words: tuple[str, ...] = ("", "", "", "")

    @property
    def state(self) -> EventState:
        """Published: drafts have no postings."""
        return "published"

    @property
    def price_from(self) -> Money | None:
        """The lowest price for everybody; None where everybody can buy nothing."""
        return Money(self.prices[0], self.currency) if self.prices else None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event's postings stand, kept with the event: so it is known what to take away when it changes."""

    at: str
    terms: tuple[str, ...]


def posting_of(event: Event) -> Posting:
    """What the lists hold of an event."""
    return Posting(
        event_id=event.event_id,
        organiser_id=event.organiser_id,
        organiser_name=event.organiser_name,
        name=event.name,
        starts_at=event.starts_at,
        time_zone=event.time_zone,
        venue_id=event.venue_id,
        venue_name=event.venue_name,
        venue_city=event.venue_city,
        series_id=event.series_id,
        series_name=event.series_name,
        currency=event.currency,
        prices=tuple(sorted({one.price.amount for one in event.ticket_types if one.access == "public"})),
        sale_starts_at=event.sale_starts_at,
        sale_ends_at=event.sale_ends_at,
        words=tuple(" ".join(words) for words in _words(event)),
    )


def terms_of(posting: Posting) -> tuple[str, ...]:
    """The terms whose lists a posting stands in, at most 45: its month first, then who, where and what, then words."""
    terms = [
        *months_between(posting.starts_at, posting.starts_at),
        f"organiser:{posting.organiser_id}",
        f"venue:{posting.venue_id}",
        f"city:{city_of(posting.venue_city)}",
    ]
    if posting.series_id is not None:
        terms.append(f"series:{posting.series_id}")
    found = (word_term(word) for words in posting.words for word in words.split())
    return tuple(dict.fromkeys((*terms, *(term for term in found if term is not None))))


def _words(event: Event) -> Iterator[list[str]]:
    """The words of each kind: of what matters most first, as far as there is room for them."""
    seen: set[str] = set()
    terms: set[str] = set()
    for texts in _texts(event):
        taken: list[str] = []
        for word in (word for text in texts for word in words_of(text)):
            term = word_term(word)
            is_full = term is not None and term not in terms and len(terms) == WORD_TERMS_MAX
            if word in seen or is_full or len(seen) == WORDS_MAX:
                continue
            seen.add(word)
            if term is not None:
                terms.add(term)
            taken.append(word)
        yield taken


def _texts(event: Event) -> Iterator[Iterable[str]]:
    yield (event.name,)
    yield (
        name for work in event.programme for name in (work.composer, work.conductor, *work.soloists) if name is not None
    )
    yield (work.title for work in event.programme)
    yield (event.venue_name,)
