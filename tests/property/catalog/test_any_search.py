"""Whatever is planned, changed and searched for, in whatever order: pages show what a plain look at every event shows.

Between two pages events come in and change. Nothing then comes twice or is missed that was there throughout, and every
page shows what holds when it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from contracts.reservations import Left
from services.catalog import repository
from services.catalog.domain import Event
from services.catalog.domain.availability import Told
from services.catalog.domain.search import Search, city_of, words_of
from services.catalog.repository import postings
from shared.data import StaleVersion, Update, writes
from tests.property.catalog.search_model import Asked, an_event, expected, place

# Three years for each example, so that what is coming up is that example's alone.
_years: Iterator[int] = iter(range(3000, 9990, 3))

WORDS = ["Mahler", "Mahlstein", "Dvořák", "dvorsky", "Symphony", "Sym", "Øresund", "No", "5", "Straße", "Ma", "Nights"]
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
PLACES = [
    ("ven_01m85kmgtca0g4fmfchr064yk5", "Test Hall", "New York", "America/New_York"),
    ("ven_01m85kmgtca0g4fmfchr064yk6", "Salle Straße", "Saint-Étienne", "Europe/Paris"),
    ("ven_01m85kmgtca0g4fmfchr064yk7", "Kiritimati", "London", "Pacific/Kiritimati"),
]
SERIES = [None, "ser_01m85kmgtca0g4fmfchr064yk5", "ser_01m85kmgtca0g4fmfchr064yk6"]
ORGANISERS = ["org_01m85kmgtca0g4fmfchr064yk5", "org_01m85kmgtca0g4fmfchr064yk6"]
PRICES = st.lists(st.sampled_from([0, 1500, 4500, 9900]), max_size=3, unique=True)
LEFT: st.SearchStrategy[Left] = st.sampled_from(["available", "few-left", "sold-out", "sold-out", "not-on-sale"])
# Many at the same moment, some months apart, some at the turn of a day.
DAYS = st.sampled_from([0.2, 1, 1, 1.5, 2, 16.4, 16.6, 40, 400])


class Season:
    """The events there are, on the table and as the model knows them."""

    def __init__(self) -> None:
        self.now = datetime(next(_years), 1, 15, 12, tzinfo=UTC)
        self.events: dict[str, Event] = {}
        self.told: dict[str, Told] = {}

    def plan(self, event: Event) -> None:
        # Not at random, because the order among those of one moment decides what is drawn next.
        number = f"{self.now.year:04d}{len(self.events) * 37 % 100:022d}"
        event = structs.replace(event, event_id=f"evt_{number}")
        assert repository.add_published_event(event, self.now)
        self.events[event.event_id] = event

    def change(self, event_id: str, **values: Any) -> None:
        """A member changes an event, and another one, who read it before, comes too late."""
        early, late = repository.event(event_id), repository.event(event_id)
        assert early is not None
        assert late is not None
        changed = structs.replace(repository.of_row(early), **values)
        repository.save_event(early, changed, self.now, announce=True)
        self.events[event_id] = changed
        with pytest.raises(StaleVersion):
            repository.save_event(late, structs.replace(late.event, name="Too Late"), self.now, announce=True)

    def tell(self, event_id: str, left: Left, version: int) -> None:
        """Reservations says what is left of an event; versions may come twice and in any order."""
        told = Told(left=left, counted_at=self.now, version=version)
        known = self.told.get(event_id)
        if known is None or known.version < version:
            self.told[event_id] = told
        repository.keep_told(event_id, told, self.now)

    def page(self, asked: Asked, limit: int, cursor: str | None) -> repository.Found:
        search = Search(
            words=tuple(words_of(asked.q or "")),
            first_day=asked.first,
            last_day=asked.last,
            venue_id=asked.venue,
            city=None if asked.city is None else city_of(asked.city),
            series_id=asked.series,
            organiser_id=asked.organiser,
            currency=asked.currency,
            price_min=asked.price_min,
            price_max=asked.price_max,
            available=asked.available,
            sort=asked.sort,  # type: ignore[arg-type]
        )
        return repository.found(search, self.now, limit, cursor)

    def expected(self, asked: Asked) -> list[str]:
        sold_out = {event_id for event_id, told in self.told.items() if told.left == "sold-out"}
        return expected(list(self.events.values()), asked, self.now, sold_out)


def check(season: Season, asked: Asked, limit: int, meanwhile: Callable[[], str | None]) -> None:
    """Reads a search to its end, with something happening after each page; `meanwhile` answers which event changed."""
    throughout = set(season.expected(asked))
    changed: set[str] = set()
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = season.page(asked, limit, cursor)
        ids = [posting.event_id for posting in page.items]
        now_right = season.expected(asked)
        assert [one for one in now_right if one in ids] == ids, "not what there is, or not in its order"
        for posting in page.items:
            event = season.events[posting.event_id]
            assert (posting.name, posting.starts_at) == (event.name, event.starts_at)
            assert page.told.get(posting.event_id) == season.told.get(posting.event_id)
        assert page.next is None or len(ids) == limit, "a page with a next one, and not full"
        seen += ids
        throughout &= set(now_right)
        if page.next is None:
            break
        cursor = page.next
        if (one := meanwhile()) is not None:
            changed.add(one)
        throughout &= set(season.expected(asked))
    steady = [one for one in seen if one not in changed]
    assert len(set(steady)) == len(steady), "twice"
    assert throughout - changed <= set(seen), "missing"
    in_order = [season.events[one] for one in steady if one in throughout]
    assert in_order == sorted(in_order, key=lambda event: place(event, asked))


@st.composite
def planned(draw: st.DrawFn, now: datetime) -> Event:
    venue_id, venue_name, city, zone = draw(st.sampled_from(PLACES))
    return an_event(
        now,
        draw(DAYS),
        name=draw(NAMES),
        venue_id=venue_id,
        venue_name=venue_name,
        venue_city=city,
        time_zone=zone,
        series_id=draw(st.sampled_from(SERIES)),
        organiser_id=draw(st.sampled_from(ORGANISERS)),
        prices=draw(PRICES),
        currency=draw(st.sampled_from(["USD", "EUR"])),
        works=draw(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)), max_size=2)),
    )


@st.composite
def searches(draw: st.DrawFn, now: datetime) -> Asked:
    def maybe(values: st.SearchStrategy[Any]) -> Any:
        return draw(values) if draw(st.integers(0, 3)) == 0 else None

    parts = st.sampled_from(["mahl", "MAHLER", "dvorak", "Dvoř", "sym", "ma", "5", "strasse", "ore", "night", "test"])
    q = " ".join(draw(st.lists(parts, min_size=1, max_size=2))) if draw(st.booleans()) else None
    days = st.integers(0, 45).map(lambda days: (now + timedelta(days=days)).date())
    span: list[date] = sorted(draw(st.lists(days, min_size=2, max_size=2)))
    return Asked(
        q=q,
        first=maybe(st.just(span[0])),
        last=maybe(st.just(span[1])),
        venue=maybe(st.sampled_from([venue[0] for venue in PLACES])),
        city=maybe(st.sampled_from(["new york", "saint etienne", "LONDON", "Nowhere"])),
        series=maybe(st.sampled_from(SERIES[1:])),
        organiser=maybe(st.sampled_from(ORGANISERS)),
        currency=maybe(st.just("USD")),
        price_min=maybe(st.sampled_from([0, 1, 4500])),
        price_max=maybe(st.sampled_from([0, 4500, 5000])),
        available=draw(st.booleans()),
        sort=draw(st.sampled_from(["starts_at", "starts_at", "-starts_at", "price", "relevance" if q else "price"])),
    )


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_search_finds_what_a_look_at_every_event_finds(data: st.DataObject) -> None:
    season = Season()
    for event in data.draw(st.lists(planned(season.now), min_size=3, max_size=9)):
        season.plan(event)

    def something_happens() -> str | None:
        what = data.draw(st.sampled_from(["nothing", "plan", "rename", "move", "price", "tell", "tell"]))
        if what == "nothing":
            return None
        if what == "plan":
            event = data.draw(planned(season.now))
            season.plan(event)
            return list(season.events)[-1]
        one = data.draw(st.sampled_from(sorted(season.events)))
        if what == "tell":
            season.tell(one, data.draw(LEFT), data.draw(st.integers(1, 5)))
        elif what == "rename":
            season.change(one, name=data.draw(NAMES))
        elif what == "move":
            season.change(one, starts_at=season.now + timedelta(days=data.draw(DAYS)))
        else:
            fresh = an_event(season.now, 1, prices=data.draw(PRICES), currency=season.events[one].currency)
            season.change(one, ticket_types=fresh.ticket_types)
        return one

    for _ in range(data.draw(st.integers(0, 3))):
        something_happens()
    for _ in range(4):
        check(season, data.draw(searches(season.now)), data.draw(st.integers(1, 4)), something_happens)


def a_busy_evening() -> None:
    """An event is renamed and moved, and somebody who read it before the change comes too late."""
    season = Season()
    season.plan(an_event(season.now, 3, name="Mahler Nights"))
    season.plan(an_event(season.now, 5, name="Dvořák Nights"))
    first = min(season.events.values(), key=lambda event: event.starts_at).event_id
    early, late = repository.event(first), repository.event(first)
    assert early is not None
    assert late is not None
    changed = structs.replace(repository.of_row(early), name="Symphony", starts_at=season.now + timedelta(days=50))
    repository.save_event(early, changed, season.now, announce=True)
    season.events[first] = changed
    moved = structs.replace(late.event, name="Øresund", starts_at=season.now + timedelta(days=9))
    try:
        repository.save_event(late, moved, season.now, announce=True)
    except StaleVersion:
        pass
    else:
        season.events[first] = moved
    for asked in (Asked(), Asked(q="mahler"), Asked(q="symphony"), Asked(q="ore"), Asked(q="nights", sort="relevance")):
        check(season, asked, 1, lambda: None)


def test_a_busy_evening_is_found_as_it_is() -> None:
    a_busy_evening()


def test_without_the_guard_of_versions_a_late_change_leaves_postings_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the transaction of the late one goes through, and takes away what it knew of only."""

    def unguarded(row: Any, **options: Any) -> dict[str, Any]:
        request = replace_request(row, **options)
        return {name: value for name, value in request.items() if not name.startswith(("Condition", "Expression"))}

    replace_request = writes.replace_request
    monkeypatch.setattr(writes, "replace_request", unguarded)
    with pytest.raises((AssertionError, KeyError)):
        a_busy_evening()


def test_without_the_removals_an_event_is_found_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of moving: postings are put where they belong, and left where they were."""

    def only_puts(*arguments: Any) -> list[Any]:
        return [write for write in postings.moves(*arguments) if isinstance(write, Update)]

    # By its full name: in the package, `events` is the function.
    monkeypatch.setattr(import_module("services.catalog.repository.events"), "moves", only_puts)
    with pytest.raises((AssertionError, KeyError)):
        a_busy_evening()


def test_a_cursor_that_names_a_number_of_events_loses_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the cursor: one that counts instead of naming the last event shows some twice."""

    def counted(season: Season, asked: Asked, limit: int, cursor: str | None) -> repository.Found:
        start = int(cursor or 0)
        every = page(season, asked, 100, None).items
        following = str(start + limit) if len(every) > start + limit else None
        return repository.Found(every[start : start + limit], following, {})

    def read() -> None:
        season = Season()
        for days in (2, 3, 4):
            season.plan(an_event(season.now, days))

        def one_comes_in() -> str:
            season.plan(an_event(season.now, 1))
            return list(season.events)[-1]

        check(season, Asked(), 2, one_comes_in)

    page = Season.page
    read()
    monkeypatch.setattr(Season, "page", counted)
    with pytest.raises(AssertionError, match="twice"):
        read()


def a_season_that_sells_out(season: Season) -> None:
    """Of nine events some are sold out, one comes back, and an older word of it arrives late."""
    for days in range(1, 10):
        season.plan(an_event(season.now, days))
    ids = list(season.events)
    for event_id in ids[:4]:
        season.tell(event_id, "sold-out", 2)
    season.tell(ids[1], "few-left", 3)
    season.tell(ids[1], "sold-out", 1)
    for sort in ("starts_at", "-starts_at", "price"):
        check(season, Asked(available=True, sort=sort), 2, lambda: None)


def test_a_season_that_sells_out_is_found_as_it_is() -> None:
    a_season_that_sells_out(Season())


def test_pages_that_are_only_thinned_out_are_not_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of asking while reading: what is sold out is taken off a page that was read before."""

    def thinned(season: Season, asked: Asked, limit: int, cursor: str | None) -> repository.Found:
        whole = page(season, asked._replace(available=False), limit, cursor)
        left = [one for one in whole.items if (told := whole.told.get(one.event_id)) is None or told.left != "sold-out"]
        return repository.Found(left, whole.next, whole.told)

    page = Season.page
    monkeypatch.setattr(Season, "page", thinned)
    with pytest.raises(AssertionError, match="not full"):
        a_season_that_sells_out(Season())


def test_without_the_versions_a_late_word_hides_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the order of messages."""
    rows = import_module("services.catalog.repository.availability")
    update = rows.update
    monkeypatch.setattr(rows, "update", lambda *keys, condition, **rest: update(*keys, **rest))
    with pytest.raises(AssertionError):
        a_season_that_sells_out(Season())
