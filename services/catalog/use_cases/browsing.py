"""Browsing and searching what is coming up, and one organiser's events."""

from __future__ import annotations

from datetime import datetime

from services.catalog import repository
from services.catalog.domain.search import Search, check_search, city_of, words_of
from services.catalog.schemas import EventsQuery
from shared.auth import Identity


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
        sort=query.sort,
    )
    check_search(search, query.q, query.city)
    limit, cursor = query.limit, query.cursor
    return repository.remembered_found(search, limit, cursor, lambda: repository.found(search, now, limit, cursor))
