"""Money on its way back, on a real table and through a real payment company."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from contracts.checkout import OrderToken
from contracts.orders import OrderRefunding
from contracts.payments import PaymentRefunded
from runtime.payment_company.books import Refused
from services.payments import domain, repository, use_cases
from services.payments.app import consume
from services.payments.domain import AttemptState, Payment, PaymentState
from services.payments.ledger import balances
from services.payments.providers import ProviderUnavailable
from services.payments.providers.company import PaymentCompany
from shared import clock, ids
from shared.data import consumed, fetch
from shared.messaging.message import Envelope
from shared.money import Money
from shared.settings import Secret
from tests.integration.payments.conftest import Caught, Street
from tests.property.crashes import Crash, crash_at_write

MakeOrder = Callable[..., OrderToken]


@pytest.fixture
def order(make_order: MakeOrder) -> OrderToken:
    """An order that wants to be paid."""
    return make_order()


def opened(order: OrderToken, provider: PaymentCompany) -> Payment:
    return use_cases.open_checkout(order, order.person_id, "http://127.0.0.1:8000/", provider, clock.now())


def taken(webhook: Caught, provider: PaymentCompany) -> None:
    assert use_cases.take_webhook(webhook.headers, webhook.body, provider, clock.now())


def paid(order: OrderToken, provider: PaymentCompany, street: Street) -> Payment:
    payment = opened(order, provider)
    assert payment.attempt.checkout_url is not None
    street.press(payment.attempt.checkout_url, "pay")
    taken(street.caught(), provider)
    return now(order)


def now(order: OrderToken) -> Payment:
    payment = repository.find_payment(ids.same_body("pay", order.order_id))
    assert payment is not None
    return payment


def refunding(order: OrderToken) -> OrderRefunding:
    return OrderRefunding(
        order_id=order.order_id,
        version=3,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        payment_id=ids.same_body("pay", order.order_id),
        amount=order.total,
        reason="places_taken",
    )


def delivered(message: OrderRefunding) -> list[Any]:
    """Brings the message through the app's own trigger; the records that are to come again."""
    envelope = Envelope(
        id="test|1",
        type=message.type_name,
        time=clock.now(),
        source="orders",
        subject=message.order_id,
        data=msgspec.Raw(msgspec.json.encode(message)),
    )
    record = {"messageId": "1", "body": msgspec.json.encode(envelope).decode(), "attributes": {}}
    return list(consume({"Records": [record]}, None)["batchItemFailures"])


def held(order: OrderToken) -> Money:
    accounts = balances(repository.entries(ids.same_body("pay", order.order_id)))
    return accounts.get("provider:test", {}).get("USD", Money(0, "USD"))


def test_a_refund_is_asked_for_and_done_when_the_company_says_so(
    order: OrderToken, provider: PaymentCompany, street: Street
) -> None:
    paid(order, provider, street)
    assert held(order) == order.total
    assert delivered(refunding(order)) == []
    assert now(order).state is PaymentState.REFUNDING
    assert delivered(refunding(order)) == []
    taken(street.caught(), provider)
    assert (now(order).state, held(order)) == (PaymentState.REFUNDED, Money(0, "USD"))
    row = fetch(repository.PaymentRow, now(order).payment_id, repository.PAYMENT_SK)
    assert row is not None
    assert row.outbox["types"] == [PaymentRefunded.type_name]
    assert delivered(refunding(order)) == []
    assert [charge["refunded"] for charge in street.books.charges()] == [9000]


def test_a_refund_is_asked_for_again_while_the_company_is_away(
    order: OrderToken, provider: PaymentCompany, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.payments import app as module

    paid(order, provider, street)
    nobody = PaymentCompany("http://127.0.0.1:9", Secret("k"), Secret("s"), sleep=lambda seconds: None)
    monkeypatch.setattr(module, "provider", nobody)
    assert len(delivered(refunding(order))) == 1
    monkeypatch.setattr(module, "provider", provider)
    assert delivered(refunding(order)) == []
    taken(street.caught(), provider)
    assert now(order).state is PaymentState.REFUNDED


def test_a_refund_nobody_can_place_comes_again(
    order: OrderToken, make_order: MakeOrder, provider: PaymentCompany
) -> None:
    assert len(delivered(refunding(make_order()))) == 1
    opened(order, provider)
    assert len(delivered(refunding(order))) == 1
    assert now(order).state is PaymentState.OPEN


def test_what_was_refunded_in_part_by_hand_is_refunded_for_the_rest(
    order: OrderToken, provider: PaymentCompany, street: Street
) -> None:
    charge = paid(order, provider, street).capture
    assert charge is not None
    street.books.refund("by hand", {"charge": charge.reference, "amount": 4000, "currency": "USD"})
    taken(street.caught(), provider)
    assert (now(order).state, held(order)) == (PaymentState.SUCCEEDED, Money(5000, "USD"))
    assert delivered(refunding(order)) == []
    taken(street.caught(), provider)
    assert (now(order).state, held(order)) == (PaymentState.REFUNDED, Money(0, "USD"))


def two_charges(order: OrderToken, provider: PaymentCompany, street: Street) -> tuple[Caught, Caught]:
    """Two attempts that both bring money: the first page was called closed, and paid all the same."""
    first = opened(order, provider)
    assert first.attempt.checkout_url is not None
    repository.change_payment(
        first.payment_id, lambda payment: domain.checkout_closed(payment, 1, AttemptState.EXPIRED), clock.now()
    )
    second = opened(order, provider)
    assert second.attempt.checkout_url is not None
    assert second.attempt.checkout_url != first.attempt.checkout_url
    street.press(first.attempt.checkout_url, "pay")
    earlier = street.caught()
    street.press(second.attempt.checkout_url, "pay")
    return earlier, street.caught()


def test_of_two_charges_the_extra_one_goes_back(order: OrderToken, provider: PaymentCompany, street: Street) -> None:
    for webhook in two_charges(order, provider, street):
        taken(webhook, provider)
    assert sorted(charge["refunded"] for charge in street.books.charges()) == [0, 9000]
    taken(street.caught(), provider)
    assert (now(order).state, held(order)) == (PaymentState.SUCCEEDED, order.total)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("done", [True, False])
def test_an_extra_charge_goes_back_even_after_a_crash(
    order: OrderToken, provider: PaymentCompany, street: Street, number: int, done: bool
) -> None:
    first, extra = two_charges(order, provider, street)
    taken(first, provider)
    crashed = False
    try:
        with crash_at_write(number, done=done):
            taken(extra, provider)
    except Crash:
        crashed = True
    assert crashed == (number == 0)
    taken(extra, provider)
    assert sorted(charge["refunded"] for charge in street.books.charges()) == [0, 9000]


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("number", [0, 1])
def test_a_crash_while_a_page_is_opened_leaves_one_page(
    order: OrderToken, provider: PaymentCompany, number: int, done: bool
) -> None:
    with pytest.raises(Crash), crash_at_write(number, done=done):
        opened(order, provider)
    first = opened(order, provider)
    assert (first.attempt.number, first.attempt.state) == (1, AttemptState.OPEN)
    assert opened(order, provider) == first


def test_an_answer_lost_on_the_way_from_the_company_is_no_second_page(
    order: OrderToken, provider: PaymentCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The company made the page, and we never heard of it."""
    open_checkout = provider.open_checkout
    pages = []

    def deaf(request: Any) -> Any:
        pages.append(open_checkout(request))
        raise ProviderUnavailable("the answer was lost")

    monkeypatch.setattr(provider, "open_checkout", deaf)
    with pytest.raises(ProviderUnavailable):
        opened(order, provider)
    monkeypatch.setattr(provider, "open_checkout", open_checkout)
    assert opened(order, provider).attempt.checkout_url == pages[0].url


def test_the_company_itself_gives_no_more_back_than_it_took(
    order: OrderToken, provider: PaymentCompany, street: Street
) -> None:
    charge = paid(order, provider, street).capture
    assert charge is not None
    with pytest.raises(Refused):
        street.books.refund("too much", {"charge": charge.reference, "amount": 9001, "currency": "USD"})


def test_what_a_payment_costs(order: OrderToken, provider: PaymentCompany, street: Street) -> None:
    with consumed() as opening:
        payment = opened(order, provider)
    assert payment.attempt.checkout_url is not None
    street.press(payment.attempt.checkout_url, "pay")
    webhook = street.caught()
    with consumed() as taking:
        taken(webhook, provider)
    # Written down, then the page; then the payment and its ledger entry in one transaction, which costs double.
    assert (opening.writes, taking.writes) == (2, 4)
