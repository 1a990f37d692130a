"""A payment under a storm of webhooks: twice, late, in any order, the company away, a crash at any write.

The company is a model of its own that shares no code with the service. Whatever happens, when everything has been
delivered the ledger says what the company's books say, one charge at most is kept, and that one only until the order
wants it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contracts.checkout import OrderToken
from contracts.orders import OrderRefunding
from contracts.payments import PaymentRefunded, PaymentSucceeded
from services.payments import domain, repository, use_cases
from services.payments.announcements import BUILDERS
from services.payments.domain import AlreadyPaid, AttemptState, Capture, PaymentState, Refund, TooEarly, TooManyAttempts
from services.payments.ledger import EntryKind, balances
from services.payments.providers import (
    ChargeRefunded,
    Checkout,
    CheckoutClosed,
    CheckoutPaid,
    CheckoutRequest,
    Fact,
    ProviderRefused,
    ProviderUnavailable,
    RefundRequest,
)
from shared import clock, ids
from shared.data import plain, transport
from shared.messaging import Message
from shared.money import Money
from tests.property.crashes import Crash, crash_at_write

Outcome = TypeVar("Outcome")
AMOUNT = 9000
NOW = clock.now()


@dataclass
class Page:
    """A checkout of the company's."""

    checkout_id: str
    attempt: int
    state: AttemptState = AttemptState.OPEN


@dataclass
class Charge:
    """Money the company took, and the refunds out of it by the key they were asked with."""

    reference: str
    page: Page
    refunds: dict[str, int] = field(default_factory=dict)

    @property
    def returned(self) -> int:
        return sum(self.refunds.values())


class Company:
    """A payment company in memory. `trouble` makes the next call fail: before it is done, or after."""

    name = "test"

    def __init__(self, payment_id: str) -> None:
        self.payment_id = payment_id
        self.pages: dict[str, Page] = {}
        self.charges: list[Charge] = []
        self.webhooks: list[Fact] = []
        self.trouble: str | None = None

    def open_checkout(self, request: CheckoutRequest) -> Checkout:
        def do() -> Checkout:
            page = self.pages.setdefault(request.key, Page(f"chk_{len(self.pages)}", request.attempt))
            return Checkout(checkout_id=page.checkout_id, url=f"http://company/{page.checkout_id}")

        return self.answer(do)

    def look_at_checkout(self, checkout_id: str) -> AttemptState:
        return self.answer(lambda: next(p.state for p in self.pages.values() if p.checkout_id == checkout_id))

    def refund(self, request: RefundRequest) -> str:
        charge = next(charge for charge in self.charges if charge.reference == request.charge)
        return self.answer(lambda: self.give_back(charge, request.key, request.amount.amount))

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Fact | None:
        return self.webhooks[int(body)]

    def answer(self, do: Callable[[], Outcome]) -> Outcome:
        trouble, self.trouble = self.trouble, None
        if trouble == "before":
            raise ProviderUnavailable("away")
        outcome = do()
        if trouble == "after":
            raise ProviderUnavailable("away")
        return outcome

    def pay(self, page: Page) -> None:
        page.state = AttemptState.PAID
        charge = Charge(f"chg_{len(self.charges)}", page)
        self.charges.append(charge)
        self.webhooks.append(
            CheckoutPaid(payment_id=self.payment_id, attempt=page.attempt, capture=self.capture(charge))
        )

    def close(self, page: Page, outcome: AttemptState) -> None:
        page.state = outcome
        self.webhooks.append(CheckoutClosed(payment_id=self.payment_id, attempt=page.attempt, outcome=outcome))

    def give_back(self, charge: Charge, key: str, amount: int) -> str:
        keys = list(charge.refunds)
        reference = f"rfd_{charge.reference}_{keys.index(key) if key in keys else len(keys)}"
        if key in keys:
            return reference
        if charge.returned + amount > AMOUNT:
            raise ProviderRefused("the charge does not hold that much")
        charge.refunds[key] = amount
        self.webhooks.append(
            ChargeRefunded(
                payment_id=self.payment_id,
                attempt=charge.page.attempt,
                capture=self.capture(charge),
                refund=Refund(reference=reference, amount=Money(amount, "USD"), refunded_at=NOW),
            )
        )
        return reference

    def capture(self, charge: Charge) -> Capture:
        return Capture(
            reference=charge.reference,
            checkout_id=charge.page.checkout_id,
            amount=Money(AMOUNT, "USD"),
            captured_at=NOW,
        )


crashes = st.none() | st.tuples(st.integers(0, 2), st.booleans())
troubles = st.sampled_from([None, None, "before", "after"])


class PaymentUnderStorm(RuleBasedStateMachine):
    """One order's payment, its tries, and webhooks in any order."""

    @initialize()
    def an_order_wants_to_be_paid(self) -> None:
        self.token = OrderToken(
            order_id=ids.new_id("ord"),
            event_id=ids.new_id("evt"),
            event_name="A concert",
            organiser_id=ids.new_id("org"),
            person_id=ids.new_id("per"),
            total=Money(AMOUNT, "USD"),
            expires_at=NOW + timedelta(hours=1),
        )
        self.payment_id = ids.same_body("pay", self.token.order_id)
        self.company = Company(self.payment_id)
        self.waiting: list[int] = []
        self.heard = 0
        self.announced: dict[str, Message] = {}
        self.wants_refund = False

    @rule(crash=crashes, trouble=troubles)
    def buyer_opens_a_page(self, crash: tuple[int, bool] | None, trouble: str | None) -> None:
        def open_page() -> None:
            try:
                use_cases.open_checkout(self.token, self.token.person_id, "http://shop/", self.company, NOW)
            except (AlreadyPaid, TooManyAttempts, ProviderUnavailable):
                return

        self.perhaps_crashing(open_page, crash, trouble)

    @rule(data=st.data())
    @precondition(lambda self: any(page.state is not AttemptState.PAID for page in self.company.pages.values()))
    def a_page_is_paid_even_after_it_was_called_closed(self, data: st.DataObject) -> None:
        pages = [page for page in self.company.pages.values() if page.state is not AttemptState.PAID]
        self.company.pay(data.draw(st.sampled_from(pages)))
        self.hear()

    @rule(data=st.data(), outcome=st.sampled_from(domain.CLOSED))
    @precondition(lambda self: any(page.state is AttemptState.OPEN for page in self.company.pages.values()))
    def a_page_comes_to_nothing(self, data: st.DataObject, outcome: AttemptState) -> None:
        pages = [page for page in self.company.pages.values() if page.state is AttemptState.OPEN]
        self.company.close(data.draw(st.sampled_from(pages)), outcome)
        self.hear()

    @rule(data=st.data(), keep=st.booleans(), crash=crashes, trouble=troubles)
    @precondition(lambda self: self.waiting)
    def a_webhook_comes(
        self, data: st.DataObject, keep: bool, crash: tuple[int, bool] | None, trouble: str | None
    ) -> None:
        number = data.draw(st.sampled_from(self.waiting))
        taken = self.perhaps_crashing(lambda: self.take(number), crash, trouble)
        if taken and not keep:
            self.waiting.remove(number)

    @rule(crash=crashes, trouble=troubles)
    @precondition(lambda self: any(isinstance(message, PaymentSucceeded) for message in self.announced.values()))
    def the_order_wants_its_money_back(self, crash: tuple[int, bool] | None, trouble: str | None) -> None:
        self.wants_refund = True
        self.perhaps_crashing(self.ask_refund, crash, trouble)

    @rule(data=st.data(), amount=st.sampled_from([AMOUNT, 4000, 100]))
    @precondition(lambda self: self.company.charges)
    def somebody_refunds_by_hand(self, data: st.DataObject, amount: int) -> None:
        charge = data.draw(st.sampled_from(self.company.charges))
        if charge.returned + amount <= AMOUNT:
            self.company.give_back(charge, f"by hand {len(charge.refunds)}", amount)
            self.hear()

    @invariant()
    def the_ledger_never_says_more_than_the_company(self) -> None:
        entered = {entry.entry_id for entry in repository.entries(self.payment_id)}
        assert entered <= self.truth().keys()

    def teardown(self) -> None:
        """Delivers everything until nothing is left, and again from the back, and compares both books each time."""
        if not hasattr(self, "waiting"):
            return
        self.company.trouble = None
        self.settle(range(len(self.company.webhooks)))
        self.account()
        self.settle(reversed(range(len(self.company.webhooks))))
        self.account()

    def settle(self, numbers: Iterable[int]) -> None:
        self.waiting = list(numbers)
        for _ in range(50):
            numbers, self.waiting = self.waiting, []
            for number in numbers:
                if not self.take(number):
                    self.waiting.append(number)
            asked = self.ask_refund() if self.wants_refund else True
            if not self.waiting and asked:
                return
        raise AssertionError("webhooks are left that nobody takes")

    def account(self) -> None:
        entries = repository.entries(self.payment_id)
        told = {entry.entry_id: max(line.amount for line in entry.lines) for entry in entries}
        assert told == self.truth()
        kept = sum(AMOUNT - charge.returned for charge in self.company.charges)
        held = balances(entries).get("provider:test", {}).get("USD", Money(0, "USD"))
        assert held.amount == kept
        payment = repository.find_payment(self.payment_id)
        types = [type(message) for message in self.announced.values()]
        assert types.count(PaymentSucceeded) <= 1
        if not self.company.charges:
            assert types == []
            return
        assert payment is not None
        assert payment.capture is not None
        reference = payment.capture.reference
        own = next(charge for charge in self.company.charges if charge.reference == reference)
        for charge in self.company.charges:
            assert charge is own or charge.returned == AMOUNT, "an extra charge was kept"
        assert (payment.state is PaymentState.REFUNDED) == (own.returned == AMOUNT)
        assert (PaymentRefunded in types) == (own.returned == AMOUNT)
        assert own.returned == AMOUNT or not self.wants_refund

    def truth(self) -> dict[str, int]:
        """The company's books, in the ledger's names."""
        books = {f"{EntryKind.CAPTURE}#{charge.reference}": AMOUNT for charge in self.company.charges}
        for charge in self.company.charges:
            for number, amount in enumerate(charge.refunds.values()):
                books[f"{EntryKind.REFUND}#rfd_{charge.reference}_{number}"] = amount
        return books

    def take(self, number: int) -> bool:
        try:
            use_cases.take_webhook({}, str(number).encode(), self.company, NOW)
        except (ProviderUnavailable, ProviderRefused):
            # Refused: a refund by hand was quicker, and its webhook is on the way.
            return False
        except repository.PaymentUnknown as unknown:
            raise AssertionError("the company's money was not placed") from unknown
        finally:
            self.hear()
        return True

    def ask_refund(self) -> bool:
        message = OrderRefunding(
            order_id=self.token.order_id,
            version=3,
            event_id=self.token.event_id,
            organiser_id=self.token.organiser_id,
            payment_id=self.payment_id,
            amount=self.token.total,
            reason="places_taken",
        )
        try:
            use_cases.refund_payment(message, self.company, NOW)
        except (ProviderUnavailable, ProviderRefused, TooEarly):
            return False
        finally:
            self.hear()
        return True

    def perhaps_crashing(self, action: Callable[[], Any], crash: tuple[int, bool] | None, trouble: str | None) -> bool:
        self.company.trouble = trouble
        outcome: Any = False
        try:
            if crash is None:
                outcome = action()
            else:
                with crash_at_write(crash[0], done=crash[1]):
                    outcome = action()
        except Crash:
            outcome = False
        self.company.trouble = None
        self.hear()
        return outcome is not False

    def hear(self) -> None:
        """New webhooks go on their way; what the payment's row announces is overheard."""
        self.waiting += range(self.heard, len(self.company.webhooks))
        self.heard = len(self.company.webhooks)
        key = {"pk": {"S": self.payment_id}, "sk": {"S": repository.PAYMENT_SK}}
        request = {"TableName": repository.PaymentRow.table_name(), "Key": key, "ConsistentRead": True}
        item = transport.send("GetItem", request).get("Item")
        if item is None:
            return
        image = plain.from_item(item)
        for type_name in image["outbox"]["types"]:
            self.announced.setdefault(f"{image['outbox']['version']}|{type_name}", BUILDERS[type_name](image))


STORM = settings(
    max_examples=20,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
    database=None,
)


def test_the_ledger_is_the_company_s_book_and_nothing_extra_is_kept() -> None:
    run_state_machine_as_test(PaymentUnderStorm, settings=STORM)


RIGHT: dict[str, Any] = {
    "take_capture": domain.take_capture,
    "_entry_row": repository._entry_row,
    "_give_back": use_cases._give_back,
    "ask_refund": domain.ask_refund,
}


def ignore_extra_charges(payment: Any, number: int, capture: Capture) -> Any:
    outcome = RIGHT["take_capture"](payment, number, capture)
    return outcome if isinstance(outcome, domain.Change) else None


def name_entries_anew(entry: Any) -> Any:
    row = RIGHT["_entry_row"](entry)
    row.sk = f"{row.sk}#{ids.new_id('ent')}"
    return row


@pytest.mark.parametrize(
    ("room", "guard", "broken"),
    [
        pytest.param(domain, "take_capture", ignore_extra_charges, id="an extra charge is ignored"),
        pytest.param(repository, "_entry_row", name_entries_anew, id="money is entered again with each delivery"),
        pytest.param(use_cases, "_give_back", lambda extra, provider: None, id="an extra charge is not given back"),
        pytest.param(domain, "ask_refund", lambda payment: None, id="the order's wish is not written down"),
    ],
)
def test_without_the_guard_the_storm_finds_it_out(room: Any, guard: str, broken: Any) -> None:
    """The negative controls: each guard taken out in turn, met by the same storms every time."""
    with mock.patch.object(room, guard, broken), pytest.raises(AssertionError):
        run_state_machine_as_test(PaymentUnderStorm, settings=settings(STORM, max_examples=200, derandomize=True))
