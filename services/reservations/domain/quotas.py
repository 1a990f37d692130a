"""Quotas: limits counted by slots of their own, held and sold and freed together with the places that use them.

A ticket type's cap, a voucher's uses and a buyer's limit are each a pool of anonymous places in blocks like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from contracts.sale import PlaceSold, QuotaSlot
from services.reservations.domain.demands import Demand
from services.reservations.domain.layouts import PLACES_PER_BLOCK_MAX, GeneralLayout, Place
from services.reservations.domain.refusals import (
    BuyerLimit,
    Refusal,
    TooFewLeft,
    TypeAllHeld,
    TypeSoldOut,
    VoucherUsedUp,
)

if TYPE_CHECKING:
    from services.reservations.domain.baskets import Basket, Sale

# A voucher's uses that fit one block are counted without hints: the block itself says what is free of it.
EXACT_USES_MAX: Final = PLACES_PER_BLOCK_MAX


class Quota(msgspec.Struct, frozen=True):
    """A limit that a basket counts for: `places` is how many of the basket's, in the lines of these numbers."""

    quota_id: str
    kind: Literal["type", "voucher", "buyer"]
    places_max: int
    lines: tuple[int, ...]
    places: int

    @property
    def demand(self) -> Demand:
        """The slots to find for it."""
        return Demand(self.quota_id, None, False)

    def refusal(self, places_left: int, next_free_at: datetime | None) -> Refusal:
        """What to say when so few are left of it; `next_free_at` when some of it is only held."""
        field = f"$.lines[{self.lines[0]}]"
        if self.kind == "buyer":
            return BuyerLimit(self.places_max, places_left, next_free_at)
        if self.kind == "voucher":
            return VoucherUsedUp(places_left, next_free_at)
        if places_left:
            return TooFewLeft(places_left, next_free_at, field=field, ticket_type_id=self.quota_id)
        if next_free_at is not None:
            return TypeAllHeld(field, self.quota_id, next_free_at)
        return TypeSoldOut(field, self.quota_id)

    @property
    def exact(self) -> bool:
        """Whether its one block is tried without asking where: a buyer's own, and a voucher of few uses."""
        return self.kind == "buyer" or (self.kind == "voucher" and self.places_max <= EXACT_USES_MAX)


def buyers_quota_id(event_id: str, person_id: str) -> str:
    """What counts the places that a person has of an event."""
    return f"{event_id}:{person_id}"


def is_quota(pool_id: str) -> bool:
    """Whether a block of that name counts a limit, and is no part of a pool."""
    return not pool_id.startswith("pol_")


def with_quotas(sale: Sale, quotas: Iterable[Quota]) -> Sale:
    """The sale with the quotas among its layouts, so that their slots are found the way places are."""
    named = {quota.quota_id: quota for quota in quotas}
    if not named:
        return sale
    layouts = {quota_id: GeneralLayout(quota.places_max) for quota_id, quota in named.items()}
    return msgspec.structs.replace(sale, layouts={**sale.layouts, **layouts}, quotas={**sale.quotas, **named})


def quotas_of(places: Sequence[PlaceSold]) -> tuple[Quota, ...]:
    """The limits that places count for, as they were when the places were held."""
    numbers: dict[str, list[int]] = {}
    sizes: dict[str, int] = {}
    for number, place in enumerate(places):
        for one in place.quotas:
            numbers.setdefault(one.quota_id, []).append(number)
            sizes[one.quota_id] = one.places_max
    return tuple(
        Quota(quota_id, _kind(quota_id), sizes[quota_id], tuple(lines), len(lines))
        for quota_id, lines in numbers.items()
    )


def _kind(quota_id: str) -> Literal["type", "voucher", "buyer"]:
    if ":" in quota_id:
        return "buyer"
    return "type" if quota_id.startswith("tty_") else "voucher"


def slots_of(places: Iterable[PlaceSold]) -> Iterator[Place]:
    """Every slot that places take up: their own and those of the limits they count for, each once."""
    return iter(
        dict.fromkeys(
            slot
            for place in places
            for slot in (
                Place(place.pool_id, place.block, place.slot),
                *(Place(one.quota_id, one.block, one.slot) for one in place.quotas),
            )
        )
    )


def uses_of(basket: Basket, found: Mapping[Demand, Sequence[Place]]) -> list[list[tuple[QuotaSlot, ...]]]:
    """For each line and each of its places the slots of the limits it takes up, out of those found for the quotas."""
    rest = {quota.quota_id: iter(found[quota.demand]) for quota in basket.quotas}
    uses = []
    for number, (_, wish, _) in enumerate(basket.lines):
        own = [quota for quota in basket.quotas if number in quota.lines]
        uses.append(
            [tuple(QuotaSlot(*next(rest[one.quota_id]), one.places_max) for one in own) for _ in range(wish.quantity)]
        )
    return uses
