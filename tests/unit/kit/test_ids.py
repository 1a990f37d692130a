"""Ids sort by their time, stand for their bytes, and derive the same way for everybody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock, ids

prefixes = st.from_regex(r"[a-z][a-z0-9]{1,7}", fullmatch=True)
MOMENT = datetime(2031, 5, 1, 10, tzinfo=UTC)
raws = st.binary(min_size=16, max_size=16)
# Hypothesis wants its bounds without a zone and adds it.
moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(prefixes, raws)
def test_text_and_bytes_are_the_same_id(prefix: str, raw: bytes) -> None:
    text = ids.from_raw_bytes(prefix, raw)
    assert ids.raw_bytes(text) == raw
    assert ids.is_id(prefix, text)
    assert len(text) == len(prefix) + 1 + ids.BODY_LENGTH


@given(st.lists(raws, min_size=2, max_size=8))
def test_texts_sort_as_bytes_do(several: list[bytes]) -> None:
    assert [ids.raw_bytes(text) for text in sorted(ids.from_raw_bytes("evt", raw) for raw in several)] == sorted(
        several
    )


@given(moments, moments)
def test_ids_sort_by_the_time_they_carry(first: datetime, second: datetime) -> None:
    first, second = clock.to_milliseconds(first), clock.to_milliseconds(second)
    older, newer = ids.new_id("ord", first, b"\xff" * 10), ids.new_id("ord", second, b"\x00" * 10)
    assert (older < newer) == (first < second)
    assert ids.made_at(older) == first


def test_a_thousand_new_ids_differ() -> None:
    with clock.fixed(datetime(2026, 1, 1, tzinfo=UTC)):
        assert len({ids.new_id("hld") for _ in range(1000)}) == 1000


def test_deriving_is_deterministic_and_tells_everything_apart() -> None:
    base = ids.new_id("ord")
    other = ids.new_id("ord", clock.now() + timedelta(days=1))
    derived = [
        ids.derived_id("tkt", base, 1),
        ids.derived_id("tkt", base, 2),
        ids.derived_id("tkt", base, "1"),
        ids.derived_id("tkt", base, "a", "bc"),
        ids.derived_id("tkt", base, "ab", "c"),
        ids.derived_id("ref", base, 1),
        ids.derived_id("tkt", other, 1),
    ]
    assert len({text.partition("_")[2] for text in derived}) == len(derived)
    assert ids.derived_id("tkt", base, 1) == derived[0]
    assert ids.made_at(derived[0]) == ids.made_at(base)


def test_an_order_shares_its_holds_characters() -> None:
    hold = ids.new_id("hld")
    order = ids.same_body("ord", hold)
    assert order == "ord_" + hold.removeprefix("hld_")
    assert ids.same_body("hld", order) == hold


@pytest.mark.parametrize(
    "text",
    [
        "",
        "evt_",
        "evt",
        "evt_01jg",
        "evt_8zzzzzzzzzzzzzzzzzzzzzzzzz",  # more than 128 bits
        "evt_01M85H6P6JTVMASEFTM8F2T5AZ",  # capitals
        "evt_01m85h6p6jtvmaseftm8f2t5ai",  # i is none of Crockford's letters
        "evt_01m85h6p6jtvmaseftm8f2t5az\n",
        "ord_01m85h6p6jtvmaseftm8f2t5az",
        "xevt_01m85h6p6jtvmaseftm8f2t5az",
        17,
        None,
    ],
)
def test_what_is_no_event_id(text: object) -> None:
    assert not ids.is_id("evt", text)


@pytest.mark.parametrize("text", ["evt_01jg", "evt_8zzzzzzzzzzzzzzzzzzzzzzzzz", "01M85H6P6JTVMASEFTM8F2T5AZ"])
def test_what_has_no_bytes_is_refused(text: str) -> None:
    with pytest.raises(ids.MalformedId):
        ids.raw_bytes(text)


@pytest.mark.parametrize("prefix", ["", "E", "evt_", "1ab", "a"])
def test_prefixes_are_short_lowercase_words(prefix: str) -> None:
    with pytest.raises(ids.MalformedId):
        ids.new_id(prefix)


def test_randomness_has_ten_bytes() -> None:
    with pytest.raises(ids.MalformedId):
        ids.new_id("evt", randomness=b"short")


def _drawn(count: int = 20) -> list[str]:
    return [ids.new_id("hld", MOMENT) for _ in range(count)]


def test_ids_drawn_from_a_seed_are_the_same_again() -> None:
    with ids.seeded(7):
        first = _drawn()
    with ids.seeded(7):
        again = _drawn()
    with ids.seeded(8):
        other = _drawn()
    assert first == again
    assert not set(first) & set(other)
    assert len(set(first)) == len(first)


def test_a_source_means_every_thread_and_ends_with_its_block() -> None:
    with ids.use(lambda count: b"\x07" * count):
        with ThreadPoolExecutor(2) as threads:
            drawn = {threads.submit(ids.new_id, "hld", MOMENT).result() for _ in range(4)}
        with ids.use(bytes):
            assert raw_tail(ids.new_id("hld", MOMENT)) == bytes(10)
        assert drawn == {ids.new_id("hld", MOMENT)}
        assert ids.new_id("hld", MOMENT, bytes(10)) not in drawn, "randomness that was given wins"
    assert ids.new_id("hld", MOMENT) not in drawn


def raw_tail(any_id: str) -> bytes:
    return ids.raw_bytes(any_id)[6:]
