"""Reservations: the Chalice app. Its routes stand by subject in the `…_routes` modules, its triggers here."""

from __future__ import annotations

from chalice.app import AuthRequest, AuthResponse, CloudWatchEvent, DynamoDBEvent, Rate, SQSEvent

from contracts.catalog import EventPublished, VoucherChanged
from contracts.orders import OrderCancelled, OrderPaid, OrderRefunded
from contracts.reservations import HoldConfirmed
from services.reservations import hold_routes, pool_routes, use_cases, waiting_list_routes, waiting_room_routes
from services.reservations.announcements import BUILDERS
from services.reservations.problems import PROBLEMS
from services.reservations.repository import BlockChange
from services.reservations.settings import settings
from services.reservations.stream import changed_pools, changes_of
from shared import clock
from shared.auth import AUTHORIZER_SECONDS, authorize_access_token
from shared.http import App
from shared.messaging import Consumer, Envelope, Relay, publish
from shared.telemetry import log

settings()
app = App("reservations", problems=PROBLEMS)


@app.authorizer(name="authorize", ttl_seconds=AUTHORIZER_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse:
    """Verifies the access token for every route of this API."""
    return authorize_access_token(request)


hold_routes.routes.add_to(app)
pool_routes.routes.add_to(app)
waiting_list_routes.routes.add_to(app)
waiting_room_routes.routes.add_to(app)


def _put_on_sale(event: EventPublished, envelope: Envelope) -> None:
    for pool_id in use_cases.put_on_sale(event, clock.now()):
        log("pool_shape_kept", level="WARNING", event_id=event.event_id, pool_id=pool_id, version=event.version)


def _take_in_voucher(voucher: VoucherChanged, envelope: Envelope) -> None:
    use_cases.take_in_voucher(voucher, clock.now())


def _answer_paid_order(order: OrderPaid, envelope: Envelope) -> None:
    answer = use_cases.answer_paid_order(order, clock.now())
    # The queue is the outbox: the message is gone from it only when the answer is out, and the answer does not change.
    message_id = f"hold#{order.hold_id}|1|{answer.type_name}"
    publish(settings().reservations_topic_arn, "reservations", order.hold_id, answer, message_id, envelope.trace)
    if isinstance(answer, HoldConfirmed):
        use_cases.note_bought(answer.event_id, len(answer.places), clock.now())


_relay = Relay(source="reservations", topic_arn=settings().reservations_topic_arn, builders=BUILDERS)
_consumer = Consumer(
    name="reservations",
    handlers={
        EventPublished: _put_on_sale,
        VoucherChanged: _take_in_voucher,
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
    """Tells the hints what was written, and offers what came free, or was added, to those who wait for it.

    Both are only faster than what would come of it anyway: a record that fails is not worth being read again.
    """
    changes: list[BlockChange] = []
    try:
        changes += changes_of(event.to_dict())
        use_cases.correct_hints(changes, clock.now())
    except Exception as trouble:  # hints run out by themselves, and whoever follows one is corrected by the table
        log("hints_not_corrected", level="WARNING", error=trouble)
    try:
        use_cases.offer_changed_pools(changed_pools(event.to_dict()), clock.now())
        use_cases.offer_freed_places(changes, clock.now())
    except Exception as trouble:  # the schedule offers them within a minute
        log("freed_places_not_offered", level="WARNING", error=trouble)
    return {"batchItemFailures": []}


@app.on_dynamodb_record(
    stream_arn=settings().reservations_table_stream_arn,
    batch_size=100,
    starting_position="TRIM_HORIZON",
    name="relay",
)
def relay(event: DynamoDBEvent) -> dict[str, list[dict[str, str]]]:
    """Publishes what rows announce. Blocks announce nothing: their writes are filtered out on the way here."""
    return _relay.handle(event)


@app.schedule(Rate(1, unit=Rate.MINUTES), name="serve_waiting_lists")
def serve_waiting_lists(event: CloudWatchEvent) -> None:
    """Offers what holds that ran out have left free, which no write tells of, and passes on what nobody answered."""
    use_cases.serve_every_list(clock.now())
