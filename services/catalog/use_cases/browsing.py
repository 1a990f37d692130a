"""Browsing and searching what is coming up, and one organiser's events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.catalog import domain, repository
from services.catalog.domain.availability import Told
from services.catalog.domain.search import Posting, Search, check_search, city_of, words_of
from services.catalog.schemas import EventsQuery
from shared.auth import Identity


class Expansion(NamedTuple):
    """What a page shows beyond its events, by the ids of events and venues; None where it was not asked for."""

    events: dict[str, domain.Event] | None = None
    venues: dict[str, domain.Venue] | None = None


def organisers_events(
    organiser_id: str, visitor: Identity | None, limit: int, cursor: str | None
) -> repository.OrganisersPage:
    """A page of an organiser's events of all times, by date. Raises BadCursor.

    Only members see the drafts; for others a page may hold fewer events than its limit.
    """
    page = repository.organisers_events(organiser_id, limit, cursor)
    if visitor is not None and visitor.is_member(organiser_id):
        return page
    return repository.OrganisersPage([event for event in page.items if event.state == "published"], page.next)


def told_of_all(events: Sequence[domain.Event]) -> dict[str, Told]:
    """What was told of the places of published events, of all with one request."""
    return repository.told_of(event.event_id for event in events if event.state == "published")


def expanded(
    events: Sequence[domain.Event | Posting], wanted: frozenset[str], member_of: frozenset[str] = frozenset()
) -> Expansion:
    """The events in full and their venues, as far as `wanted`: one request for each kind, and none while Redis knows.

    Private venues are there for the organisers that the visitor is a `member_of`.
    """
    in_full = places = None
    if "ticket_types" in wanted:
        postings = [event.event_id for event in events if isinstance(event, Posting)]
        read = repository.remembered_events(postings, lambda: repository.events(postings)) if postings else []
        in_full = {one.event_id: one for one in (*read, *(one for one in events if isinstance(one, domain.Event)))}
    if "venue" in wanted:
        ids = sorted({event.venue_id for event in events})
        found = repository.remembered_venues(ids, lambda: repository.venues(ids)) if ids else []
        places = {one.venue_id: one for one in found if not one.private or one.organiser_id in member_of}
    return Expansion(in_full, places)


def search_events(query: EventsQuery, now: datetime) -> repository.Found:
    """A page of the published events to come that answer a query; up to 15 seconds old, but never older than a change.

    Raises Incomplete naming the parameters that cannot be, TooManyMatches, BadCursor.
    """
    search = Search(
        words=() if query.q is None else tuple(words_of(query.q)),
        first_day=query.first_day,
        last_day=query.last_day,
        venue_id=query.venue_id,
        city=None if query.city is None else city_of(query.city),
        series_id=query.series_id,
        organiser_id=query.organiser_id,
        currency=query.currency,
        price_min=query.price_min,
        price_max=query.price_max,
        available=query.available,
        sort=query.sort,
    )
    check_search(search, query.q, query.city)
    limit, cursor = query.limit, query.cursor
    return repository.remembered_found(search, limit, cursor, lambda: repository.found(search, now, limit, cursor))
