"""Words as searches compare them, the lists an event stands in, and what of a search is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from services.catalog.domain import Access, Event, Incomplete, Pool, TicketType, Work
from services.catalog.domain.search import (
    Search,
    check_search,
    city_of,
    months_between,
    posting_of,
    terms_of,
    words_of,
)
from shared.ids import derived_id
from shared.money import Money

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PRICES: list[tuple[int, Access]] = [(4500, "public"), (1500, "public"), (100, "voucher"), (0, "complimentary")]


def event(**values: object) -> Event:
    plain = Event(
        event_id=derived_id("evt", "org_01m85kmgtca0g4fmfchr064yk5", "1"),
        organiser_id="org_01m85kmgtca0g4fmfchr064yk5",
        name="Mahler and Dvořák",
        state="published",
        venue_id="ven_01m85kmgtca0g4fmfchr064yk5",
        venue_name="Test Hall",
        venue_city="Saint-Étienne",
        time_zone="America/New_York",
        starts_at=datetime(2026, 12, 4, 0, 30, tzinfo=UTC),
        currency="USD",
        pools=(Pool(pool_id="pol_1", name="Floor", kind="general", capacity=1),),
        ticket_types=tuple(
            TicketType(
                ticket_type_id=f"tty_{price}",
                name=f"{price}",
                price=Money(price, "USD"),
                pool_id="pol_1",
                access=access,
            )
            for price, access in PRICES
        ),
        programme=(
            Work(title="Symphony No. 9", composer="Gustav Mahler", conductor="Ann Lee", soloists=("Bo Ødegård",)),
        ),
    )
    return structs.replace(plain, **values)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Dvořák's Symphony No. 9", ["dvorak", "s", "symphony", "no", "9"]),
        ("STRASSE Straße strasse", ["strasse"]),
        ("Bo Ødegård, Łódź", ["bo", "odegard", "lodz"]),
        ("ﬁlm Ⅳ", ["film", "iv"]),
        ("東京 – 서울", ["東京", words_of("서울")[0]]),
        ("— … ! \ud800", []),
        ("x" * 40, ["x" * 30]),
    ],
)
def test_words_are_compared_without_case_accents_and_signs(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text())
def test_words_of_words_are_the_same_words(text: str) -> None:
    assert words_of(" ".join(words_of(text))) == words_of(text)


def test_a_posting_says_what_a_list_shows_and_a_search_asks() -> None:
    posting = posting_of(event())
    assert posting.words == ("mahler and dvorak", "gustav ann lee bo odegard", "symphony no 9", "test hall")
    assert (posting.prices, posting.price_from) == ((1500, 4500), Money(1500, "USD"))
    assert posting_of(event(ticket_types=())).price_from is None


def test_an_event_stands_in_the_lists_of_its_month_its_place_and_its_words() -> None:
    words = ["mah", "and", "dvo", "gus", "ann", "lee", "ode", "sym", "tes", "hal"]
    assert terms_of(posting_of(event(series_id="ser_1"))) == (
        "month:2026-12",
        "organiser:org_01m85kmgtca0g4fmfchr064yk5",
        "venue:ven_01m85kmgtca0g4fmfchr064yk5",
        "city:saint etienne",
        "series:ser_1",
        *(f"word:{word}" for word in words),
    )


def test_the_longest_programme_fits_into_one_transaction() -> None:
    works = tuple(Work(title=f"{chr(97 + n % 26)}{chr(97 + n // 26)}x{n}", composer=f"zz{n}") for n in range(100))
    posting = posting_of(event(programme=works, series_id="ser_1"))
    terms = terms_of(posting)
    assert len(terms) <= 45, "with as many removals and the event's row it is one transaction of 100 writes"
    assert posting.words[0] == "mahler and dvorak", "the name goes first"
    assert sum(len(words.split()) for words in posting.words) <= 100


def test_every_word_that_is_kept_has_its_list() -> None:
    works = tuple(Work(title=f"{chr(97 + n % 26)}{chr(97 + n // 26)}x{n} ab", composer=f"y{n}w") for n in range(100))
    posting = posting_of(event(programme=works))
    for word in " ".join(posting.words).split():
        (search,) = [Search(words=(word,))]
        assert search.matches(posting)
        assert set(search.terms) <= set(terms_of(posting))


def test_words_found_in_the_name_weigh_more_than_those_of_the_works() -> None:
    named = posting_of(event(name="Symphony", programme=()))
    played = posting_of(event())
    search = Search(words=("symphony",), sort="relevance")
    assert search.rank(named) < search.rank(played)
    assert Search(words=("symphon",), sort="relevance").rank(named) > search.rank(named), "a whole word weighs double"


def test_days_are_those_of_the_venue() -> None:
    posting = posting_of(event())
    third, fourth = date(2026, 12, 3), date(2026, 12, 4)
    assert Search(first_day=third, last_day=third).matches(posting), "it begins at half past seven in New York"
    assert not Search(first_day=fourth).matches(posting)
    assert not Search(last_day=date(2026, 12, 2)).matches(posting)


@given(
    st.dates(), st.dates(), st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Seoul"]), st.integers(0, 17_000)
)
def test_the_span_that_is_read_holds_every_answer(first: date, last: date, zone: str, hours: int) -> None:
    posting = posting_of(event(time_zone=zone, starts_at=NOW + timedelta(hours=hours)))
    search = Search(first_day=first, last_day=last)
    earliest, latest = search.span(NOW)
    assert earliest >= NOW
    assert not search.matches(posting) or earliest <= posting.starts_at <= latest


def test_the_months_from_here_to_two_years_ahead_are_25() -> None:
    earliest, latest = Search().span(NOW)
    months = list(months_between(earliest, latest))
    assert (months[0], months[-1], len(months)) == ("month:2026-11", "month:2028-11", 25)


@pytest.mark.parametrize(
    ("asked", "q", "city", "field"),
    [
        (Search(), "!!!", None, "q"),
        (Search(words=tuple("abcdefghi")), "a b c d e f g h i", None, "q"),
        (Search(city=""), None, "–", "city"),
        (Search(first_day=date(2026, 12, 4), last_day=date(2026, 12, 3)), None, None, "to"),
        (Search(price_min=2, price_max=1), None, None, "price_max"),
        (Search(sort="relevance"), None, None, "sort"),
    ],
)
def test_what_cannot_be_searched_for_is_named(asked: Search, q: str | None, city: str | None, field: str) -> None:
    with pytest.raises(Incomplete) as refused:
        check_search(asked, q, city)
    assert refused.value.field == field


def test_cities_are_one_in_any_spelling() -> None:
    assert city_of("Saint-Étienne") == city_of("SAINT ETIENNE") == "saint etienne"
