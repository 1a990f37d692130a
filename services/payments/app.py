"""Payments: the Chalice app. Routes and triggers parse, call one use case and map the answer."""

from __future__ import annotations

from typing import Any, Final

from chalice.app import AuthRequest, AuthResponse, DynamoDBEvent, SQSEvent

from contracts.checkout import OrderToken
from contracts.orders import OrderRefunding
from services.payments import use_cases
from services.payments.announcements import BUILDERS
from services.payments.domain import (
    MEMBERS_WHO_SEE_PAYMENTS,
    AlreadyPaid,
    OrderExpired,
    OrderNotYours,
    ReturnUrlForeign,
    TooManyAttempts,
    check_return_url,
)
from services.payments.providers import ProviderRefused, ProviderUnavailable, WebhookForged, WebhookMalformed
from services.payments.providers.registry import provider_of
from services.payments.repository import PaymentUnknown
from services.payments.schemas import OpenCheckout, PaymentView, WebhookTaken, payment_view
from services.payments.settings import PaymentsSettings
from shared import clock
from shared.auth import AUTHORIZER_SECONDS, TokenExpired, TokenInvalid, authorize_access_token, verify_token
from shared.http import EXEMPT, IN_TABLE, PUBLIC, Answer, App, Call, Gone, RequestHeader, ValidationFailed
from shared.messaging import Consumer, Relay
from shared.settings import load

ORDER_AUDIENCE: Final = "order"
WEBHOOK_BYTES_MAX: Final = 64 * 1024
_SIGNATURE: Final = RequestHeader("Test-Signature", "The provider's signature of the body.", required=True)

settings = load(PaymentsSettings)
provider = provider_of(settings)
app = App(
    "payments",
    problems={
        OrderNotYours: (403, "order-not-yours", "The order is somebody else's"),
        OrderExpired: (410, "order-expired", "The time to pay the order is over"),
        AlreadyPaid: (409, "already-paid", "The order has been paid"),
        ReturnUrlForeign: (422, "return-url-foreign", "Something in the request is not acceptable"),
        TooManyAttempts: (409, "too-many-attempts", "The payment was tried too often"),
        PaymentUnknown: (404, "not-found", "There is no such payment"),
        ProviderUnavailable: (503, "provider-unavailable", "The payment company does not answer; try again"),
        ProviderRefused: (502, "provider-refused", "The payment company refused"),
        WebhookForged: (401, "webhook-forged", "The webhook is not the payment company's"),
        WebhookMalformed: (422, "webhook-malformed", "The webhook cannot be read"),
    },
)


@app.authorizer(name="authorize", ttl_seconds=AUTHORIZER_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse:
    """Verifies the access token for every route of this API."""
    return authorize_access_token(request)


@app.route(
    "/v1/payments",
    methods=["POST"],
    body=OpenCheckout,
    answers=PaymentView,
    status=201,
    idempotency=IN_TABLE("PAYMENTS_TABLE_NAME"),
    summary="Open a checkout for an order",
    errors=(
        OrderNotYours,
        OrderExpired,
        AlreadyPaid,
        TooManyAttempts,
        ReturnUrlForeign,
        TokenInvalid,
        ProviderUnavailable,
        ProviderRefused,
    ),
)
def open_checkout(call: Call) -> Any:
    """One order is at most one payment. An open page is answered again; a new one follows one that came to nothing."""
    try:
        order = verify_token(call.body.order_token, ORDER_AUDIENCE, OrderToken, now=call.now)
    except TokenExpired as expired:
        raise Gone("The time to pay this order is over.", slug="order-expired") from expired
    except TokenInvalid as invalid:
        detail = "The order token is not one of ours."
        raise ValidationFailed(detail, slug="token-invalid", field="$.order_token") from invalid
    try:
        return_url = check_return_url(call.body.return_url, settings.public_url, order.order_id)
    except ReturnUrlForeign as foreign:
        raise ValidationFailed(str(foreign), slug="return-url-foreign", field="$.return_url") from foreign
    payment = use_cases.open_checkout(order, call.person.person_id, return_url, provider, call.now)
    return Answer(payment_view(payment), headers={"Location": f"/v1/payments/{payment.payment_id}"})


@app.route("/v1/payments/{payment_id}", answers=PaymentView, summary="A payment", errors=(PaymentUnknown,))
def show_payment(call: Call) -> Any:
    """A payment, for its buyer and for the organiser's owners, managers and box office."""
    organisers = call.person.organisers(*MEMBERS_WHO_SEE_PAYMENTS)
    payment = use_cases.show_payment(call.path["payment_id"], call.person.person_id, organisers)
    return payment_view(payment)


@app.route(
    "/v1/webhooks/test",
    methods=["POST"],
    access=PUBLIC,
    answers=WebhookTaken,
    status=202,
    body_bytes_max=WEBHOOK_BYTES_MAX,
    throttle=EXEMPT,
    raw_body="application/json",
    headers=(_SIGNATURE,),
    summary="What the test provider says",
    errors=(WebhookForged, WebhookMalformed, PaymentUnknown, ProviderUnavailable, ProviderRefused),
)
def take_webhook(call: Call) -> Any:
    """Verified by its signature before anything is read. Whatever is not answered with 2xx is delivered again.

    So is a webhook for a payment nobody knows (404): money that cannot be placed is not acknowledged.
    """
    taken = use_cases.take_webhook(call.headers, call.raw_body, provider, call.now)
    return WebhookTaken(outcome="taken" if taken else "ignored")


_relay = Relay(source="payments", topic_arn=settings.payments_topic_arn, builders=BUILDERS)
_consumer = Consumer(
    name="payments",
    handlers={OrderRefunding: lambda message, envelope: use_cases.refund_payment(message, provider, clock.now())},
)


@app.on_dynamodb_record(
    stream_arn=settings.payments_table_stream_arn,
    batch_size=100,
    starting_position="TRIM_HORIZON",
    name="relay",
)
def relay(event: DynamoDBEvent) -> dict[str, list[dict[str, str]]]:
    """Publishes what the payments' rows announce."""
    return _relay.handle(event)


@app.on_sqs_message(queue=settings.payments_queue_name, batch_size=10, name="consume")
def consume(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    """Takes in which orders want their money back."""
    return _consumer.handle(event)
