"""Reservations: the Chalice app. Routes and triggers parse, call one use case and map the answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from chalice.app import AuthRequest, AuthResponse, DynamoDBEvent, SQSEvent

from contracts.catalog import EventPublished
from contracts.hold import HoldToken
from contracts.orders import OrderCancelled, OrderPaid, OrderRefunded
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.schemas import Availability, HoldView, PlaceHold
from services.reservations.settings import settings
from services.reservations.stream import changes_of
from shared import clock
from shared.auth import TokenInvalid, authorize_access_token, verify_token
from shared.http import BY_HANDLER_OPTIONAL, PUBLIC, Answer, App, Call, ValidationFailed
from shared.messaging import Consumer, Envelope, publish
from shared.telemetry import log

# A hold token past its time still names its hold: whether that has run out is for the blocks to say.
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOLD_REFUSALS: Final = (
    refusals.EventUnknown,
    refusals.QuantityOrSeats,
    refusals.TicketTypeUnknown,
    refusals.SeatUnknown,
    refusals.SeatNotInZone,
    refusals.SeatTwice,
    refusals.TooManyPlaces,
    refusals.NotOnSale,
    refusals.SaleEnded,
    refusals.PlacesTaken,
    refusals.SoldOut,
    refusals.AllHeld,
    refusals.TooFewLeft,
    refusals.NotTogether,
    refusals.Busy,
    refusals.SameRequestInFlight,
    refusals.KeyOfAnotherRequest,
)

settings()
app = App(
    "reservations",
    problems={
        refusals.EventUnknown: (404, "not-found", "There is no such event"),
        refusals.QuantityOrSeats: (422, "quantity-or-seats", "A line has either a quantity or seats"),
        refusals.TicketTypeUnknown: (422, "ticket-type-unknown", "There is no such ticket type"),
        refusals.SeatUnknown: (422, "seat-unknown", "There is no such seat"),
        refusals.SeatNotInZone: (422, "seat-not-in-zone", "The seat costs another price"),
        refusals.SeatTwice: (422, "seat-twice", "The seat is in the basket twice"),
        refusals.TooManyPlaces: (422, "too-many-places", "Too many places for one order"),
        refusals.NotOnSale: (409, "not-on-sale", "The sale has not begun"),
        refusals.SaleEnded: (409, "sale-ended", "The sale is over"),
        refusals.PlacesTaken: (409, "places-taken", "Somebody was faster"),
        refusals.SoldOut: (409, "sold-out", "Sold out"),
        refusals.AllHeld: (409, "all-held", "All places are in baskets"),
        refusals.TooFewLeft: (409, "too-few-left", "Too few places are left"),
        refusals.NotTogether: (409, "not-together", "Not so many places next to each other"),
        refusals.Busy: (503, "busy", "Try again in a moment"),
        refusals.SameRequestInFlight: (409, "idempotency-key-in-flight", "The same request is being answered"),
        refusals.KeyOfAnotherRequest: (422, "idempotency-key-reused", "The key belongs to another request"),
        refusals.HoldUnknown: (404, "not-found", "There is no such hold"),
        refusals.HoldSold: (409, "hold-sold", "The places of the hold are sold"),
    },
)


@app.authorizer(name="authorize", ttl_seconds=60)
def authorize(request: AuthRequest) -> AuthResponse:
    """Verifies the access token for every route of this API."""
    return authorize_access_token(request)


@app.route(
    "/v1/holds",
    methods=["POST"],
    body=PlaceHold,
    answers=HoldView,
    status=201,
    idempotency=BY_HANDLER_OPTIONAL,
    summary="Keep places for a while",
    errors=_HOLD_REFUSALS,
)
def place_hold(call: Call) -> Any:
    """Holds all places of the basket or none, and answers the token that every further step needs.

    The prices in it win, whatever becomes of the ticket types. Repeated with the same Idempotency-Key it answers the
    same hold.
    """
    hold = use_cases.place_hold(call.body, call.person.person_id, call.idempotency_key, call.now)
    return Answer(hold, headers={"Location": f"/v1/holds/{hold.hold_id}"})


@app.route("/v1/holds/{hold_id}", answers=HoldView, summary="A hold", errors=(refusals.HoldUnknown,))
def show_hold(call: Call) -> Any:
    """A hold as it is now: held, confirmed, expired or released. Needs the header Hold-Token."""
    token, sealed = _hold_token(call)
    return use_cases.show_hold(call.path["hold_id"], token, sealed, call.person.person_id, call.now)


@app.route(
    "/v1/holds/{hold_id}",
    methods=["DELETE"],
    status=204,
    summary="Let a hold go",
    errors=(refusals.HoldUnknown, refusals.HoldSold),
)
def release_hold(call: Call) -> Any:
    """Gives the places back to sale at once; harmless when repeated. Needs the header Hold-Token."""
    token, _ = _hold_token(call)
    use_cases.release_hold(call.path["hold_id"], token, call.person.person_id, call.now)
    return None


@app.route(
    "/v1/availability/{event_id}",
    access=PUBLIC,
    answers=Availability,
    summary="What is left of an event",
    errors=(refusals.EventUnknown,),
    cache="public, max-age=1",
)
def show_availability(call: Call) -> Any:
    """Free and held places of every pool and ticket type; for seats, one bit for each. At most two seconds old."""
    document = use_cases.availability(call.path["event_id"], call.now)
    return Answer(document, headers={"Content-Type": "application/json"})


def _hold_token(call: Call) -> tuple[HoldToken, str]:
    sealed = call.headers.get("hold-token", "")
    try:
        return verify_token(sealed, use_cases.AUDIENCE, HoldToken, now=_LONG_AGO), sealed
    except TokenInvalid as invalid:
        detail = "Send the hold's token in the header Hold-Token."
        raise ValidationFailed(detail, slug="token-invalid", field="Hold-Token") from invalid


def _put_on_sale(event: EventPublished, envelope: Envelope) -> None:
    for pool_id in use_cases.put_on_sale(event, clock.now()):
        log("pool_shape_kept", level="WARNING", event_id=event.event_id, pool_id=pool_id, version=event.version)


def _answer_paid_order(order: OrderPaid, envelope: Envelope) -> None:
    answer = use_cases.answer_paid_order(order, clock.now())
    # The queue is the outbox: the message is gone from it only when the answer is out, and the answer does not change.
    message_id = f"hold#{order.hold_id}|1|{answer.type_name}"
    publish(settings().reservations_topic_arn, "reservations", order.hold_id, answer, message_id, envelope.trace)


_consumer = Consumer(
    name="reservations",
    handlers={
        EventPublished: _put_on_sale,
        OrderPaid: _answer_paid_order,
        OrderCancelled: lambda order, envelope: use_cases.forget_cancelled_order(order, clock.now()),
        OrderRefunded: lambda order, envelope: use_cases.take_back_refunded_order(order, clock.now()),
    },
)


@app.on_sqs_message(queue=settings().reservations_queue_name, batch_size=10, name="consume")
def consume(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    """Takes in what catalog publishes and what becomes of orders."""
    return _consumer.handle(event)


@app.on_dynamodb_record(stream_arn=settings().reservations_table_stream_arn, batch_size=100, name="follow_blocks")
def follow_blocks(event: DynamoDBEvent) -> dict[str, list[dict[str, str]]]:
    """Tells the hints what was written. They are hints: a record that fails is not worth being read again."""
    try:
        use_cases.correct_hints(changes_of(event.to_dict()), clock.now())
    except Exception as trouble:  # hints run out by themselves, and whoever follows one is corrected by the table
        log("hints_not_corrected", level="WARNING", error=trouble)
    return {"batchItemFailures": []}
