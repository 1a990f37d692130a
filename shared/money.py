"""Money: whole minor units of one currency, with arithmetic that refuses what would be wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

# Beyond 2**53 a JavaScript client would read another number than the one sent.
AMOUNT_MAX: Final = 2**53 - 1
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


class MoneyError(ValueError):
    """An amount or currency that cannot be, or a sum over different currencies."""


class Money(msgspec.Struct, frozen=True):
    """An amount of one currency in its minor units (cents), negative where it is owed back.

    Raises MoneyError for fractions, amounts beyond 2**53 - 1 and currencies that are not three capital letters.
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise MoneyError("an amount of money is a whole number of minor units")
        if not -AMOUNT_MAX <= self.amount <= AMOUNT_MAX:
            raise MoneyError("an amount of money beyond 2**53 - 1 minor units cannot be sent as JSON")
        if not isinstance(self.currency, str) or _CURRENCY.fullmatch(self.currency) is None:
            raise MoneyError("a currency is three capital letters of ISO 4217")

    def __add__(self, other: Money) -> Money:
        """The sum of both. Raises MoneyError for different currencies."""
        self._require_same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        """What remains of this after the other. Raises MoneyError for different currencies."""
        self._require_same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, count: int) -> Money:
        """So many times this. Raises MoneyError for anything but a whole number: rates round, and this never does."""
        if type(count) is not int:
            raise MoneyError("money is multiplied by whole numbers only")
        return Money(self.amount * count, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        """The same amount owed the other way."""
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        """Whether this is less. Raises MoneyError for different currencies."""
        self._require_same_currency(other)
        return self.amount < other.amount

    def __le__(self, other: Money) -> bool:
        """Whether this is not more. Raises MoneyError for different currencies."""
        self._require_same_currency(other)
        return self.amount <= other.amount

    def __bool__(self) -> bool:
        """Whether it is any money at all."""
        return self.amount != 0

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _require_same_currency(self, other: Money) -> None:
        if not isinstance(other, Money):
            raise MoneyError("money is reckoned with money only")
        if other.currency != self.currency:
            raise MoneyError(f"{self.currency} and {other.currency} cannot be reckoned together")


def zero(currency: str) -> Money:
    """No money, of that currency."""
    return Money(0, currency)


def total(parts: Iterable[Money], currency: str) -> Money:
    """The sum of all parts, zero for none. Raises MoneyError when one is of another currency."""
    return sum(parts, zero(currency))


# ISO 4217's exceptions from two decimals.
_DECIMALS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def written(money: Money) -> str:
    """Money as people write it, `45.00 USD` or `4500 JPY`: never rounded, with the currency's own decimals."""
    decimals = _DECIMALS.get(money.currency, 2)
    whole, rest = divmod(abs(money.amount), 10**decimals)
    fraction = f".{rest:0{decimals}d}" if decimals else ""
    return f"{'-' if money.amount < 0 else ''}{whole:,}{fraction} {money.currency}"
