"""Money is whole, of one currency, and refuses what would be wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.money import AMOUNT_MAX, Money, MoneyError, total, written, zero

amounts = st.integers(-(10**12), 10**12)


@given(amounts, amounts, st.integers(-1000, 1000))
def test_arithmetic_is_that_of_whole_numbers(first: int, second: int, count: int) -> None:
    left, right = Money(first, "EUR"), Money(second, "EUR")
    assert left + right == right + left == Money(first + second, "EUR")
    assert (left - right) + right == left
    assert left * count == count * left == Money(first * count, "EUR")
    assert -left + left == zero("EUR")
    assert (left < right) == (first < second)
    assert (left <= right) == (first <= second)
    assert bool(left) == bool(first)


@given(st.lists(amounts, max_size=8))
def test_a_total_is_the_sum_of_its_parts(parts: list[int]) -> None:
    assert total([Money(part, "USD") for part in parts], "USD") == Money(sum(parts), "USD")


@given(amounts)
def test_it_travels_as_json(amount: int) -> None:
    money = Money(amount, "JPY")
    assert msgspec.json.decode(msgspec.json.encode(money), type=Money) == money


@pytest.mark.parametrize(
    "wrong",
    [(1.5, "EUR"), (True, "EUR"), ("1", "EUR"), (AMOUNT_MAX + 1, "EUR"), (1, "eur"), (1, "EURO"), (1, ""), (1, None)],
)
def test_what_cannot_be_money(wrong: tuple[Any, Any]) -> None:
    with pytest.raises(MoneyError):
        Money(*wrong)


@pytest.mark.parametrize(
    "body", [b'{"amount":1.5,"currency":"EUR"}', b'{"amount":1,"currency":"eur"}', b'{"amount":9007199254740993}']
)
def test_what_cannot_be_money_is_refused_when_decoded(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=Money)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(MoneyError):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(MoneyError):
        Money(1, "EUR") < Money(1, "USD")  # noqa: B015
    with pytest.raises(MoneyError):
        total([Money(1, "EUR")], "USD")


@pytest.mark.parametrize("factor", [1.5, True, "2"])
def test_it_is_multiplied_by_whole_numbers_only(factor: Any) -> None:
    with pytest.raises(MoneyError):
        Money(100, "EUR") * factor


def test_a_sum_too_big_to_send_is_refused() -> None:
    with pytest.raises(MoneyError):
        Money(AMOUNT_MAX, "EUR") + Money(1, "EUR")


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(4500, "USD"), "45.00 USD"),
        (Money(-5, "EUR"), "-0.05 EUR"),
        (Money(4500, "JPY"), "4,500 JPY"),
        (Money(1234567, "KWD"), "1,234.567 KWD"),
    ],
)
def test_it_is_written_with_its_currencys_decimals(money: Money, text: str) -> None:
    assert written(money) == text
