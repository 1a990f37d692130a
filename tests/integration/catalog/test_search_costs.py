"""What browsing and searching read, as the README says it, with few events and with thousands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import boto3
import msgspec
import pytest

from services.catalog import repository
from services.catalog.domain.search import Posting, Search, Sort, posting_of, terms_of
from shared import clock
from shared.data import consumed
from shared.ids import new_id
from tests.property.catalog.search_model import an_event

pytestmark = pytest.mark.xdist_group("search-costs")

SERIES = "ser_01m85kmgtca0g4fmfchr064yk5"
RARE = "Xenakis"
WORKS = (
    ("Ludwig van Beethoven", "Symphony No. 5 in C minor"),
    ("Sergei Rachmaninoff", "Rhapsody on a Theme of Paganini"),
    ("Gustav Mahler", "Kindertotenlieder"),
)


class Season(NamedTuple):
    """So many events from a moment on, an hour and a half apart, every hundredth with something rare in it."""

    now: datetime
    size: int


def bring_in(now: datetime, size: int) -> None:
    """Puts the postings of a season in, by batches: what a transaction for each event would put, in less time."""
    table = boto3.resource("dynamodb").Table(repository.PostingRow.table_name())
    kept = ("month:", "city:", "series:", "word:sym", "word:xen", "word:eve")
    with table.batch_writer() as batch:
        for number in range(size):
            works = (*WORKS, (RARE, "Metastaseis")) if number % 100 == 99 else WORKS
            series_id = SERIES if number % 10 == 0 else None
            event = an_event(now, (number + 1) / 16, works=works, series_id=series_id, prices=(4500 + number % 7,))
            posting = posting_of(event)
            content = msgspec.json.encode(posting).decode()
            for term in terms_of(posting):
                if term.startswith(kept):
                    key = {"pk": f"term#{term}", "sk": f"{clock.iso(event.starts_at)}#{event.event_id}"}
                    batch.put_item(Item={**key, "posting": content})


@pytest.fixture(scope="module")
def small() -> Season:
    """A season as the Philharmonic's."""
    season = Season(datetime(2990, 1, 1, tzinfo=UTC), 250)
    bring_in(season.now, season.size)
    return season


@pytest.fixture(scope="module")
def large() -> Season:
    """Many seasons at once."""
    season = Season(datetime(2993, 1, 1, tzinfo=UTC), 3000)
    bring_in(season.now, season.size)
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
            # One query of six or seven postings of 0.8 KB, or as many more as months were empty before the last ones.
            assert page.reads <= 1 + 0.5 * page.requests
        if search.sort == "starts_at":
            assert [page.requests for page in pages] == [1, 1]
        assert pages[1].reads <= pages[0].reads + 0.5


def test_a_page_of_24_by_date_reads_25_postings(large: Season) -> None:
    page = cost(large, Search())
    assert (page.requests, page.shown) == (1, 24)
    assert page.reads <= 2.5


def test_a_word_in_every_event_costs_twice_its_page(small: Season, large: Season) -> None:
    for season in (small, large):
        page = cost(season, Search(words=("symphony",)))
        assert (page.requests, page.shown) == (1, 24)
        assert page.reads <= 5


def test_a_rare_word_costs_its_own_list_even_beside_a_common_one(small: Season, large: Season) -> None:
    assert cost(small, Search(words=("xenakis",))) == Cost(0.5, 1, 2)
    assert cost(large, Search(words=("xenakis",))).reads <= 4
    both = cost(large, Search(words=("symphony", "xenakis")))
    # A chunk of each, of which the rare word's is the whole list.
    assert (both.requests, both.shown) == (2, 24)
    assert both.reads <= 5 + 4


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
    assert (page.requests, page.shown) == (2, 24)
    assert page.reads <= 22


def test_without_lists_of_words_a_rare_one_costs_the_whole_calendar(
    large: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: what the lists are for."""
    with_lists = cost(large, Search(words=("xenakis",)))
    monkeypatch.setattr(Search, "terms", property(lambda search: ()))
    without = cost(large, Search(words=("xenakis",)))
    assert without.reads > 8 * with_lists.reads
    assert without.shown < with_lists.shown, "and 500 postings on it has found five"


def test_ids_in_postings_are_whole() -> None:
    """A posting is all a page shows: nothing is fetched for it."""
    posting = posting_of(an_event(datetime(2990, 1, 1, tzinfo=UTC), 1, event_id=new_id("evt")))
    decoded = msgspec.json.decode(msgspec.json.encode(posting), type=Posting)
    assert decoded == posting
    assert decoded.starts_at - timedelta(days=1) == datetime(2990, 1, 1, tzinfo=UTC)
