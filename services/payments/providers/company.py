"""The adapter to the test provider: the small payment company that runs beside the services on a laptop."""

from __future__ import annotations

import hashlib
import hmac
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import urllib3

from services.payments.domain import AttemptState, Capture, Refund
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
    WebhookForged,
    WebhookMalformed,
)
from shared import clock
from shared.money import Money, MoneyError
from shared.settings import Secret

SIGNATURE_HEADER: Final = "test-signature"
# Older or newer than this, a webhook is taken for a recording. Redeliveries are signed afresh, so they pass.
TOLERANCE: Final = timedelta(minutes=5)
TRIES_MAX: Final = 3
PAUSE_SECONDS: Final = 0.1
_TIMEOUT: Final = urllib3.Timeout(connect=1.0, read=3.0)
_CLOSED: Final = {
    "checkout.declined": AttemptState.DECLINED,
    "checkout.cancelled": AttemptState.CANCELLED,
    "checkout.expired": AttemptState.EXPIRED,
}


class _Metadata(msgspec.Struct):
    payment_id: str
    attempt: int


class _CheckoutTold(msgspec.Struct):
    id: str
    metadata: _Metadata


class _ChargeTold(msgspec.Struct):
    id: str
    amount: int
    currency: str
    captured_at: float


class _RefundTold(msgspec.Struct):
    id: str
    amount: int
    refunded_at: float


class _Webhook(msgspec.Struct):
    type: str
    checkout: _CheckoutTold
    charge: _ChargeTold | None = None
    refund: _RefundTold | None = None


class PaymentCompany:
    """The payment company behind `url`. One connection pool, safe to share among threads."""

    name = "test"

    def __init__(
        self,
        url: str,
        api_key: Secret,
        webhook_secret: Secret,
        *,
        http: urllib3.PoolManager | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._webhook_secret = webhook_secret
        # Retries are this adapter's own: urllib3's would leave out POST.
        self._http = http or urllib3.PoolManager(timeout=_TIMEOUT, retries=False, maxsize=8)
        self._sleep = sleep

    def open_checkout(self, request: CheckoutRequest) -> Checkout:
        """The page for an attempt, made on the first call. Raises ProviderUnavailable, ProviderRefused."""
        content = {
            "amount": request.amount.amount,
            "currency": request.amount.currency,
            "description": request.description,
            "return_url": request.return_url,
            "metadata": {"payment_id": request.payment_id, "attempt": request.attempt},
        }
        answer = self._call("POST", "/checkouts", content, key=request.key)
        return Checkout(checkout_id=_text(answer, "id"), url=_text(answer, "url"))

    def look_at_checkout(self, checkout_id: str) -> AttemptState:
        """How a page stands now. Raises ProviderUnavailable, ProviderRefused."""
        state = _text(self._call("GET", f"/checkouts/{checkout_id}"), "state")
        try:
            return AttemptState(state)
        except ValueError as error:
            raise ProviderUnavailable(f"the provider told an unknown state {state!r}") from error

    def refund(self, request: RefundRequest) -> str:
        """Give money back; answers the provider's name for the refund. Raises ProviderUnavailable, ProviderRefused."""
        content = {
            "charge": request.charge,
            "amount": request.amount.amount,
            "currency": request.amount.currency,
        }
        return _text(self._call("POST", "/refunds", content, key=request.key), "id")

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Fact | None:
        """What a webhook says, None when it is of no interest here. Raises WebhookForged, WebhookMalformed."""
        signature = next((value for name, value in headers.items() if name.lower() == SIGNATURE_HEADER), "")
        verify_signature(self._webhook_secret.reveal(), signature, body, now)
        try:
            kind = msgspec.json.decode(body, type=_Kind).type
            if kind not in _CLOSED and kind not in ("checkout.paid", "refund.succeeded"):
                return None
            return _fact(msgspec.json.decode(body, type=_Webhook))
        except (msgspec.MsgspecError, MoneyError, ValueError, OverflowError, OSError) as error:
            raise WebhookMalformed(f"The webhook cannot be read: {error}") from error

    def _call(self, method: str, path: str, content: Any = None, *, key: str | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._api_key.reveal()}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        body = None if content is None else msgspec.json.encode(content)
        trouble = "it was not asked"
        for tried in range(TRIES_MAX):
            if tried:
                self._sleep(random.uniform(0.5, 1.5) * PAUSE_SECONDS * 2**tried)
            try:
                answer = self._http.request(method, self._url + path, body=body, headers=headers)
            except urllib3.exceptions.HTTPError as error:
                trouble = type(error).__name__
                continue
            if answer.status < 400:
                try:
                    decoded: dict[str, Any] = msgspec.json.decode(answer.data, type=dict[str, Any])
                    return decoded
                except msgspec.MsgspecError:
                    trouble = "its answer is no JSON"
            elif answer.status < 500 and answer.status != 429:
                raise ProviderRefused(f"The payment provider refused with {answer.status}: {answer.data[:200]!r}")
            else:
                trouble = f"it answered {answer.status}"
        raise ProviderUnavailable(f"The payment provider could not be used: {trouble}.")


class _Kind(msgspec.Struct):
    type: str


def verify_signature(secret: str, header: str, body: bytes, now: datetime) -> None:
    """Refuse a webhook that is not the company's own, or not of now.

    The header is `t=<seconds since 1970>,v1=<hex HMAC-SHA256 of "t.body">`; several v1 may stand there while the secret
    is being changed. Raises WebhookForged.
    """
    pairs = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    if len(times) != 1 or not signatures or not (times[0].isascii() and times[0].isdigit() and len(times[0]) < 16):
        raise WebhookForged("The webhook is not signed.")
    expected = hmac.new(secret.encode(), times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(expected.encode(), given.encode()) for given in signatures):
        raise WebhookForged("The webhook's signature is not the provider's.")
    if abs(now.timestamp() - int(times[0])) > TOLERANCE.total_seconds():
        raise WebhookForged("The webhook was signed too long ago, or in the future.")


def _fact(webhook: _Webhook) -> Fact:
    about = webhook.checkout.metadata
    outcome = _CLOSED.get(webhook.type)
    if outcome is not None:
        return CheckoutClosed(payment_id=about.payment_id, attempt=about.attempt, outcome=outcome)
    charge, refund = webhook.charge, webhook.refund
    if charge is None:
        raise WebhookMalformed("The webhook names no charge.")
    capture = Capture(
        reference=charge.id,
        checkout_id=webhook.checkout.id,
        amount=Money(charge.amount, charge.currency),
        captured_at=_moment(charge.captured_at),
    )
    if webhook.type == "checkout.paid":
        return CheckoutPaid(payment_id=about.payment_id, attempt=about.attempt, capture=capture)
    if refund is None:
        raise WebhookMalformed("The webhook names no refund.")
    return ChargeRefunded(
        payment_id=about.payment_id,
        attempt=about.attempt,
        capture=capture,
        refund=Refund(
            reference=refund.id,
            amount=Money(refund.amount, charge.currency),
            refunded_at=_moment(refund.refunded_at),
        ),
    )


def _moment(seconds: float) -> datetime:
    return clock.to_milliseconds(datetime.fromtimestamp(seconds, UTC))


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str):
        raise ProviderUnavailable(f"The payment provider's answer has no {name}.")
    return value
