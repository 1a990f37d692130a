"""The Chalice app of notifications: routes and triggers. It publishes nothing, so it has no relay."""

from __future__ import annotations

from typing import Any

from chalice.app import AuthRequest, AuthResponse, SQSEvent

from contracts.orders import OrderRefunded
from contracts.reservations import PlacesOffered
from contracts.tickets import TicketsIssued
from services.notifications import use_cases
from services.notifications.schemas import Notifications, NotificationView, OfOrder
from services.notifications.settings import NotificationsSettings, counter
from shared import clock
from shared.auth import AUTHORIZER_SECONDS, authorize_access_token
from shared.http import SIGNED_IN, App, Call
from shared.messaging import Consumer, Envelope
from shared.settings import load

settings = load(NotificationsSettings)

app = App("notifications")


def tickets_issued(message: TicketsIssued, envelope: Envelope) -> None:
    """Mails the tickets."""
    use_cases.mail_tickets(message, counter(settings), clock.now())


def order_refunded(message: OrderRefunded, envelope: Envelope) -> None:
    """Mails that the money is on its way back."""
    use_cases.mail_refund(message, counter(settings), clock.now())


def places_offered(message: PlacesOffered, envelope: Envelope) -> None:
    """Mails somebody of a waiting list that places are kept."""
    use_cases.mail_offer(message, counter(settings), clock.now())


consumer = Consumer(
    name="notifications",
    handlers={
        TicketsIssued: tickets_issued,
        OrderRefunded: order_refunded,
        PlacesOffered: places_offered,
    },
)


@app.authorizer(name="authorize", ttl_seconds=AUTHORIZER_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse:
    """Verifies the access token of every route that is not public."""
    return authorize_access_token(request)


@app.on_sqs_message(queue=settings.notifications_queue_name, batch_size=5, name="consume")
def consume(event: SQSEvent) -> dict[str, Any]:
    """Takes up the messages notifications hears."""
    return consumer.handle(event)


@app.route(
    "/v1/notifications",
    query=OfOrder,
    answers=Notifications,
    access=SIGNED_IN,
    summary="The mails about an order",
)
def list_notifications(call: Call) -> Notifications:
    """The mails about an order that the caller may know of: the buyer, and the organiser's staff. Others see none."""
    mails = use_cases.mails_of_order(call.query.order_id, call.person)
    return Notifications([NotificationView.of(mail) for mail in mails])
