"""What browsing and searching read, as the README says it, with few events and with thousands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import boto3
import msgspec
import pytest

from services.catalog import repository, use_cases
from services.catalog.domain.availability import Told
from services.catalog.domain.search import JUDGED_MAX, Posting, Search, Sort, posting_of, terms_of
from shared import clock
from shared.data import consumed
from shared.ids import new_id
from tests.property.catalog.search_model import an_event

pytestmark = pytest.mark.xdist_group("search-costs")

SERIES = "ser_01m85kmgtca0g4fmfchr064yk5"
RARE = "Xenakis"
SOLD_OUT_CITY = "epidaurus"
# A page asks once what is left of all it shows: half a unit for each.
LEFT_OF_24 = 24 * 0.5
WORKS = (
    ("Ludwig van Beethoven", "Symphony No. 5 in C minor"),
    ("Sergei Rachmaninoff", "Rhapsody on a Theme of Paganini"),
    ("Gustav Mahler", "Kindertotenlieder"),
)


class Season(NamedTuple):
    """So many events from a moment on, an hour and a half apart, every hundredth with something rare in it."""

    now: datetime
    size: int


def bring_in(now: datetime, size: int, city: str = "New York") -> Season:
    """Puts the postings of a season in, by batches: what a transaction for each event would put, in less time."""
    table = boto3.resource("dynamodb").Table(repository.PostingRow.table_name())
    kept = ("month:", "city:", "series:", "word:sym", "word:xen", "word:eve")
    with table.batch_writer() as batch:
        for number in range(size):
            works = (*WORKS, (RARE, "Metastaseis")) if number % 100 == 99 else WORKS
            series_id = SERIES if number % 10 == 0 else None
            prices = (4500 + number % 7,)
            event = an_event(now, (number + 1) / 16, works=works, series_id=series_id, prices=prices, venue_city=city)
            posting = posting_of(event)
            content = msgspec.json.encode(posting).decode()
            for term in terms_of(posting):
                if term.startswith(kept):
                    key = {"pk": f"term#{term}", "sk": f"{clock.iso(event.starts_at)}#{event.event_id}"}
                    batch.put_item(Item={**key, "posting": content})
    return Season(now, size)


def tell_sold_out(season: Season, search: Search, *, every: int) -> list[str]:
    """Lets every so manieth event of a season be sold out, from the last of so many on; answers the ids of all."""
    ids = [one.event_id for one in repository.found(search, season.now, season.size, None).items]
    for event_id in ids[every - 1 :: every]:
        repository.keep_told(event_id, Told(left="sold-out", counted_at=season.now, version=1), season.now)
    return ids


@pytest.fixture(scope="module")
def small() -> Season:
    """A season as the Philharmonic's."""
    return bring_in(datetime(2990, 1, 1, tzinfo=UTC), 250)


@pytest.fixture(scope="module")
def large() -> Season:
    """Many seasons at once."""
    return bring_in(datetime(2993, 1, 1, tzinfo=UTC), 3000)


@pytest.fixture(scope="module")
def sold_out() -> Season:
    """A season in which nothing is left, in a city of its own."""
    season = bring_in(datetime(2996, 1, 1, tzinfo=UTC), 250, SOLD_OUT_CITY.title())
    tell_sold_out(season, Search(city=SOLD_OUT_CITY), every=1)
    return season


class Cost(NamedTuple):
    """Read units, requests, and how many events were shown."""

    reads: float
    requests: int
    shown: int


def cost(season: Season, search: Search, limit: int = 24, after: int = 0) -> Cost:
    """What a page of a search costs, the first or one after so many."""
    cursor = None
    for _ in range(after):
        cursor = repository.found(search, season.now, limit, cursor).next
    with consumed() as meter:
        page = repository.found(search, season.now, limit, cursor)
    assert meter.writes == 0
    return Cost(meter.reads, meter.requests, len(page.items))


def sizes(season: Season) -> Iterator[int]:
    """The bytes of the season's first postings."""
    for posting in repository.found(Search(), season.now, 100, None).items:
        yield len(msgspec.json.encode(posting))


def test_a_posting_is_a_kilobyte_at_most(small: Season) -> None:
    assert max(sizes(small)) < 900, "with its key and its time to live it stays one write unit"


@pytest.mark.parametrize("after", [0, 3])
def test_a_page_by_date_costs_the_same_however_many_events_there_are(small: Season, large: Season, after: int) -> None:
    for search in (Search(), Search(sort="-starts_at"), Search(city="new york"), Search(series_id=SERIES)):
        pages = [cost(season, search, limit=5, after=after) for season in (small, large)]
        for page in pages:
            assert page.shown == 5
            # One query of six or seven postings of 0.8 KB, or as many more as months were empty before the last ones;
            # and what is left of each event shown.
            assert page.reads <= 1 + 0.5 * (page.requests - 1) + 0.5 * page.shown
        if search.sort == "starts_at":
            assert [page.requests for page in pages] == [1 + 1, 1 + 1]
        assert pages[1].reads <= pages[0].reads + 0.5


def test_a_page_of_24_by_date_reads_25_postings(large: Season) -> None:
    page = cost(large, Search())
    assert (page.requests, page.shown) == (1 + 1, 24)
    assert page.reads <= 2.5 + LEFT_OF_24


def test_a_word_in_every_event_costs_twice_its_page(small: Season, large: Season) -> None:
    for season in (small, large):
        page = cost(season, Search(words=("symphony",)))
        assert (page.requests, page.shown) == (1 + 1, 24)
        assert page.reads <= 5 + LEFT_OF_24


def test_what_is_sold_out_is_asked_for_as_it_is_passed_over(small: Season, large: Season) -> None:
    """A page of what is available costs half a unit for each event shown or hidden, however many there are."""
    for season in (small, large):
        page = cost(season, Search(available=True))
        # One more than is shown, to know whether anything follows.
        assert (page.requests, page.shown) == (1 + 1, 24)
        assert page.reads <= 5 + 25 * 0.5
    # A season of its own, because the others are there for other tests, too.
    half = bring_in(datetime(2997, 1, 1, tzinfo=UTC), 250)
    ids = tell_sold_out(half, Search(), every=2)
    page = cost(half, Search(available=True))
    assert page.shown == 24
    # 49 postings, in two queries; of each of them it was asked whether it is sold out, and what was sold out told so.
    assert page.reads <= 5 + 18 + 50 * 0.5
    assert page.requests <= 2 + 6
    shown = repository.found(Search(available=True), half.now, 24, None).items
    assert [one.event_id for one in shown] == ids[:48:2]


@pytest.mark.parametrize("sort", ["starts_at", "-starts_at", "price"])
def test_where_all_is_sold_out_a_page_ends_after_200_events(sold_out: Season, sort: Sort) -> None:
    search = Search(available=True, sort=sort, city=SOLD_OUT_CITY)
    page = cost(sold_out, search)
    assert page.shown == 0
    assert page.reads <= 22 + JUDGED_MAX * 0.5
    first = repository.found(search, sold_out.now, 24, None)
    assert first.next is not None
    # It goes on where it ended, and has seen the rest with that.
    assert repository.found(search, sold_out.now, 24, first.next) == repository.Found([], None, {})


def test_events_in_full_and_what_is_left_of_them_cost_half_a_unit_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "remembered_events", lambda ids, load: load())
    monkeypatch.setattr(repository, "remembered_venues", lambda ids, load: load())
    now = datetime(2999, 1, 1, tzinfo=UTC)
    for number in range(10):
        event = an_event(now, number + 1)
        assert repository.add_published_event(event, now)
        repository.keep_told(event.event_id, Told(left="few-left", counted_at=now, version=1), now)
    with consumed() as meter:
        items = repository.found(Search(city="new york"), now, 10, None).items
    assert meter.requests == 1 + 1
    assert meter.reads == pytest.approx(1.5 + 10 * 0.5, abs=0.5)
    with consumed() as meter:
        use_cases.expanded(items, frozenset(["ticket_types", "venue"]))
    assert (meter.requests, meter.reads) == (2, 10 * 0.5)


def test_a_rare_word_costs_its_own_list_even_beside_a_common_one(small: Season, large: Season) -> None:
    # The emulator reckons nothing for rows that are not there, which in the cloud are half a unit each.
    assert cost(small, Search(words=("xenakis",))) == Cost(0.5, 1 + 1, 2)
    assert cost(large, Search(words=("xenakis",))).reads <= 4 + LEFT_OF_24
    both = cost(large, Search(words=("symphony", "xenakis")))
    # A chunk of each, of which the rare word's is the whole list.
    assert (both.requests, both.shown) == (2 + 1, 24)
    assert both.reads <= 5 + 4 + LEFT_OF_24


def test_what_finds_next_to_nothing_ends_after_500_postings(large: Season) -> None:
    search = Search(words=("symphony",), price_min=1, price_max=1)
    page = cost(large, search)
    assert page.shown == 0
    assert page.requests == 4
    assert page.reads <= 45
    assert repository.found(search, large.now, 24, None).next is not None


@pytest.mark.parametrize("sort", ["price", "relevance"])
def test_an_order_of_its_own_costs_all_that_is_in_question(small: Season, sort: Sort) -> None:
    page = cost(small, Search(words=("symphony",), sort=sort))
    assert (page.requests, page.shown) == (2 + 1, 24)
    assert page.reads <= 22 + LEFT_OF_24


def test_without_lists_of_words_a_rare_one_costs_the_whole_calendar(
    large: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: what the lists are for."""
    with_lists = cost(large, Search(words=("xenakis",)))
    monkeypatch.setattr(Search, "terms", property(lambda search: ()))
    without = cost(large, Search(words=("xenakis",)))
    assert without.reads - 0.5 * without.shown > 8 * (with_lists.reads - 0.5 * with_lists.shown)
    assert without.shown < with_lists.shown, "and 500 postings on it has found five"


def test_ids_in_postings_are_whole() -> None:
    """A posting is all a page shows: nothing is fetched for it."""
    posting = posting_of(an_event(datetime(2990, 1, 1, tzinfo=UTC), 1, event_id=new_id("evt")))
    decoded = msgspec.json.decode(msgspec.json.encode(posting), type=Posting)
    assert decoded == posting
    assert decoded.starts_at - timedelta(days=1) == datetime(2990, 1, 1, tzinfo=UTC)
