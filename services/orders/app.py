"""Orders: the Chalice app. Routes and triggers parse, call one use case and map the answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from chalice.app import AuthRequest, AuthResponse, DynamoDBEvent, SQSEvent

from contracts.hold import HoldToken
from contracts.payments import PaymentRefunded, PaymentSucceeded
from contracts.reservations import HoldConfirmed, HoldRefused
from contracts.sale import Buyer
from services.orders import use_cases
from services.orders.announcements import BUILDERS, RETOLD
from services.orders.domain import (
    MEMBERS_WHO_SEE_ORDERS,
    HoldAlreadyOrdered,
    HoldExpired,
    HoldNotYours,
    NotCancellable,
)
from services.orders.schemas import OrderPlaced, OrderView, PlaceOrder, order_placed, order_view
from services.orders.settings import OrdersSettings
from services.orders.use_cases import OrderUnknown
from shared import clock
from shared.auth import AUTHORIZER_SECONDS, TokenInvalid, authorize_access_token, sign_token, verify_token
from shared.http import BY_HANDLER, Answer, App, Call, PageQuery, PageView, ValidationFailed, page_answer
from shared.messaging import Consumer, Relay
from shared.settings import load

HOLD_AUDIENCE: Final = "hold"
ORDER_AUDIENCE: Final = "order"
# A hold token past its time still names its hold, which may have been ordered in time: that is for the use case.
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

settings = load(OrdersSettings)
app = App(
    "orders",
    problems={
        HoldExpired: (410, "hold-expired", "The hold has run out"),
        HoldNotYours: (403, "hold-not-yours", "The hold is somebody else's"),
        HoldAlreadyOrdered: (409, "hold-already-ordered", "The hold has an order already"),
        NotCancellable: (409, "order-not-cancellable", "The order cannot be cancelled"),
        OrderUnknown: (404, "not-found", "There is no such order"),
    },
)


@app.authorizer(name="authorize", ttl_seconds=AUTHORIZER_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse:
    """Verifies the access token for every route of this API."""
    return authorize_access_token(request)


@app.route(
    "/v1/orders",
    methods=["POST"],
    body=PlaceOrder,
    answers=OrderPlaced,
    status=201,
    idempotency=BY_HANDLER,
    summary="Order what a hold keeps",
    errors=(HoldExpired, HoldNotYours, HoldAlreadyOrdered, TokenInvalid),
)
def place_order(call: Call) -> Any:
    """One hold is at most one order: sent again, with whatever Idempotency-Key, it answers the order that is there."""
    person = call.person
    try:
        hold = verify_token(call.body.hold_token, HOLD_AUDIENCE, HoldToken, now=_LONG_AGO)
    except TokenInvalid as invalid:
        detail = "The hold token is not one of ours."
        raise ValidationFailed(detail, slug="token-invalid", field="$.hold_token") from invalid
    buyer = Buyer(person_id=person.person_id, email=person.email, name=person.name)
    order = use_cases.place_order(hold, buyer, call.now)
    token = use_cases.order_token(order, hold.event_name)
    signed = sign_token(ORDER_AUDIENCE, token, order.pay_until)
    return Answer(order_placed(order, call.now, signed), headers={"Location": f"/v1/orders/{order.order_id}"})


@app.route("/v1/orders", query=PageQuery, answers=PageView[OrderView], summary="My orders, newest first")
def list_orders(call: Call) -> Any:
    """The signed-in buyer's own orders, newest first."""
    page = use_cases.list_orders(call.person.person_id, call.query.limit, call.query.cursor)
    return page_answer(page, lambda order: order_view(order, call.now), "/v1/orders", call.query)


@app.route("/v1/orders/{order_id}", answers=OrderView, summary="An order", errors=(OrderUnknown,))
def show_order(call: Call) -> Any:
    """An order, for its buyer and the organiser's owners, managers and box office; to all others it is not there."""
    organisers = call.person.organisers(*MEMBERS_WHO_SEE_ORDERS)
    order = use_cases.show_order(call.path["order_id"], call.person.person_id, organisers)
    return order_view(order, call.now)


@app.route(
    "/v1/orders/{order_id}/cancellation",
    methods=["POST"],
    answers=OrderView,
    summary="Give an unpaid order up",
    errors=(OrderUnknown, NotCancellable),
)
def cancel_order(call: Call) -> Any:
    """Gives the order's places back. Sent again it answers the same order."""
    order = use_cases.cancel_order(call.path["order_id"], call.person.person_id, call.now)
    return order_view(order, call.now)


_relay = Relay(source="orders", topic_arn=settings.orders_topic_arn, builders=BUILDERS, retold=RETOLD)
_consumer = Consumer(
    name="orders",
    handlers={
        PaymentSucceeded: lambda message, envelope: use_cases.take_payment(message, clock.now()),
        PaymentRefunded: lambda message, envelope: use_cases.take_refund(message, clock.now()),
        HoldConfirmed: lambda message, envelope: use_cases.take_confirmation(message, clock.now()),
        HoldRefused: lambda message, envelope: use_cases.take_refusal(message, clock.now()),
    },
)


@app.on_dynamodb_record(
    stream_arn=settings.orders_table_stream_arn,
    batch_size=100,
    starting_position="TRIM_HORIZON",
    name="relay",
)
def relay(event: DynamoDBEvent) -> dict[str, list[dict[str, str]]]:
    """Publishes what the orders' rows announce."""
    return _relay.handle(event)


@app.on_sqs_message(queue=settings.orders_queue_name, batch_size=10, name="consume")
def consume(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    """Takes in what payments and reservations say."""
    return _consumer.handle(event)
