"""Baskets against limits, vouchers and who asks: which slots they count for, and at which price."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from contracts.sale import PlaceSold, QuotaSlot
from services.reservations.domain import (
    Asking,
    Demand,
    Place,
    Quota,
    Sale,
    Voucher,
    Wish,
    check_basket,
    check_voucher,
    is_quota,
    quotas_of,
    refusals,
    slots_of,
    uses_of,
    with_quotas,
)
from shared.money import Money
from tests.unit.reservations.test_baskets import NOW, kind, sale

CAP = Quota("tty", "type", 5, (1,), 2)
MINE = Quota("e:p", "buyer", 5, (1,), 2)


def limited(*kinds: Any, buyer: int | None = None) -> Sale:
    return msgspec.structs.replace(sale(*kinds), places_per_buyer_max=buyer)


def voucher(**terms: Any) -> Voucher:
    return Voucher(voucher_id="vou_x", version=1, code="X", uses_max=30, **terms)


def test_each_place_counts_for_every_limit_of_its_line() -> None:
    kinds = (kind("tty_few", places_max=7), kind("tty_any"))
    wishes = [Wish("tty_few", 2), Wish("tty_any", 1), Wish("tty_few", 1)]
    asking = Asking(person_id="per", voucher=voucher(ticket_type_ids=("tty_any",)))
    basket = check_basket(limited(*kinds, buyer=5), wishes, NOW, asking)
    assert [(one.quota_id, one.places, one.lines) for one in basket.quotas] == [
        ("tty_few", 3, (0, 2)),
        ("vou_x", 1, (1,)),
        ("evt:per", 4, (0, 1, 2)),
    ]
    found = {quota.demand: [Place(quota.quota_id, 0, slot) for slot in range(quota.places)] for quota in basket.quotas}
    assert [[tuple(use.quota_id for use in place) for place in line] for line in uses_of(basket, found)] == [
        [("tty_few", "evt:per")] * 2,
        [("vou_x", "evt:per")],
        [("tty_few", "evt:per")],
    ]
    every = [use for line in uses_of(basket, found) for place in line for use in place]
    assert len(set(every)) == 8
    assert {use.places_max for use in every if use.quota_id == "vou_x"} == {30}


def test_without_limits_a_basket_counts_for_nothing() -> None:
    basket = check_basket(sale(kind("any")), [Wish("any", 3)], NOW, Asking(person_id="per"))
    assert basket.quotas == ()
    plain = sale(kind("any"))
    assert with_quotas(plain, basket.quotas) is plain


def test_what_is_asked_at_once_beyond_the_buyers_limit_is_refused_without_a_look() -> None:
    with pytest.raises(refusals.BuyerLimit) as refused:
        check_basket(limited(kind("any"), buyer=2), [Wish("any", 2), Wish("any", 1)], NOW, Asking(person_id="per"))
    assert refused.value.extra == {"places_per_buyer_max": 2}


@pytest.mark.parametrize(
    ("quota", "left", "held", "refusal", "extra"),
    [
        (CAP, 0, None, refusals.TypeSoldOut, {"ticket_type_id": "tty"}),
        (
            Quota("tty", "type", 5, (1,), 2),
            0,
            NOW,
            refusals.TypeAllHeld,
            {"ticket_type_id": "tty", "next_free_at": NOW},
        ),
        (CAP, 1, None, refusals.TooFewLeft, {"ticket_type_id": "tty", "places_left": 1}),
        (Quota("vou", "voucher", 5, (1,), 2), 1, NOW, refusals.VoucherUsedUp, {"uses_left": 1, "next_free_at": NOW}),
        (
            Quota("e:p", "buyer", 5, (1,), 2),
            0,
            None,
            refusals.BuyerLimit,
            {"places_per_buyer_max": 5, "places_left": 0},
        ),
    ],
)
def test_a_limit_says_what_is_left_of_it(
    quota: Quota, left: int, held: datetime | None, refusal: type[refusals.Refusal], extra: dict[str, Any]
) -> None:
    said = quota.refusal(left, held)
    assert type(said) is refusal
    assert said.extra == extra


def test_the_limits_of_places_are_known_from_the_places() -> None:
    def place(slot: int, *quotas: QuotaSlot) -> PlaceSold:
        return PlaceSold(
            pool_id="pol_a",
            block=0,
            slot=slot,
            ticket_type_id="tty_a",
            ticket_type_name="A",
            price=Money(1, "USD"),
            quotas=quotas,
        )

    cap, mine = QuotaSlot("tty_a", 1, 2, 60), QuotaSlot("evt_a:per_a", 0, 3, 4)
    places = (place(0, cap), place(1, mine, QuotaSlot("tty_a", 1, 4, 60)))
    assert set(slots_of(places)) == {
        Place("pol_a", 0, 0),
        Place("pol_a", 0, 1),
        Place("tty_a", 1, 2),
        Place("tty_a", 1, 4),
        Place("evt_a:per_a", 0, 3),
    }
    assert {(one.quota_id, one.kind, one.places_max, one.places, one.exact) for one in quotas_of(places)} == {
        ("tty_a", "type", 60, 2, False),
        ("evt_a:per_a", "buyer", 4, 1, True),
    }
    assert [is_quota(name) for name in ("pol_a", "tty_a", "vou_a", "evt_a:per_a")] == [False, True, True, True]


def test_a_voucher_of_few_uses_needs_no_hints_and_one_of_many_does() -> None:
    assert [Quota("vou", "voucher", uses, (0,), 1).exact for uses in (1, 25, 26)] == [True, True, False]
    assert not Quota("tty", "type", 5, (0,), 1).exact


@pytest.mark.parametrize(
    ("asking", "wishes", "refusal"),
    [
        (Asking(), [Wish("club", 1)], refusals.VoucherRequired),
        (Asking(voucher=voucher(ticket_type_ids=("any",))), [Wish("club", 1)], refusals.VoucherRequired),
        (Asking(voucher=voucher(ticket_type_ids=("club",))), [Wish("any", 1)], refusals.VoucherNotForThis),
        (Asking(voucher=voucher(price=Money(5, "EUR"))), [Wish("any", 1)], refusals.VoucherNotForThis),
        (Asking(member=True, voucher=voucher()), [Wish("gift", 1)], refusals.VoucherNotForThis),
        (Asking(), [Wish("gift", 1)], refusals.MembersOnly),
        (Asking(names_withholding=True), [Wish("any", 1)], refusals.MembersOnly),
        (Asking(member=True, names_guest=True), [Wish("any", 1)], refusals.GuestNotHere),
    ],
)
def test_who_may_have_what(asking: Asking, wishes: list[Wish], refusal: type[refusals.Refusal]) -> None:
    kinds = (kind("any"), kind("club", access="voucher"), kind("gift", access="complimentary"))
    with pytest.raises(refusal):
        check_basket(sale(*kinds), wishes, NOW, asking)


@pytest.mark.parametrize(("percent", "amount"), [(0, 999), (10, 899), (50, 500), (33, 669), (100, 0)])
def test_a_percentage_is_rounded_to_the_nearest_cent(percent: int, amount: int) -> None:
    told = voucher(percent_off=percent)
    priced = msgspec.structs.replace(kind("any"), price=Money(999, "USD"))
    assert told.price_of(priced) == Money(amount, "USD")
    basket = check_basket(sale(priced), [Wish("any", 1)], NOW, Asking(voucher=told))
    assert basket.lines[0][0].price.amount == amount


def test_a_voucher_is_good_from_its_first_second_to_before_its_last() -> None:
    told = voucher(valid_from=NOW, valid_until=NOW + timedelta(seconds=1))
    assert check_voucher(told, NOW) is told
    with pytest.raises(refusals.VoucherNotYet):
        check_voucher(told, NOW - timedelta(microseconds=1))
    with pytest.raises(refusals.VoucherEnded):
        check_voucher(told, datetime(2031, 5, 1, 10, 0, 1, tzinfo=UTC))
    with pytest.raises(refusals.VoucherUnknown):
        check_voucher(msgspec.structs.replace(told, revoked=True), NOW)


def test_demands_of_a_zone_are_kept_apart() -> None:
    wishes = [Wish("any", 2, zone="A"), Wish("any", 1, zone="B"), Wish("any", 1)]
    basket = check_basket(sale(kind("any", "hall")), wishes, NOW)
    assert basket.demands == {
        Demand("hall", "A", True): 2,
        Demand("hall", "B", True): 1,
        Demand("hall", None, True): 1,
    }
