"""The Chalice app of reporting: routes and triggers. It publishes nothing, so it has no relay."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from chalice.app import AuthRequest, AuthResponse, SQSEvent

from contracts.catalog import EventPublished
from contracts.orders import OrderConfirmed, OrderRefunded
from contracts.reservations import PoolChanged
from contracts.tickets import TicketAdmitted
from services.reporting import domain, repository, schemas_v2, use_cases
from services.reporting.schemas import AmountsView, EventReportView, EventSalesView, SalesQuery, SalesView, moment
from services.reporting.settings import ReportingSettings, engine
from shared.auth import AUTHORIZER_SECONDS, authorize_access_token
from shared.http import Answer, App, Call, ValidationFailed, member
from shared.messaging import Consumer, Envelope
from shared.settings import load

settings = load(ReportingSettings)

app = App(
    "reporting",
    problems={
        domain.EventUnknown: (404, "event-unknown", "There is no such event"),
        domain.PeriodBackwards: (422, "validation-failed", "Something in the request is not acceptable"),
    },
)
app.health_check("database", lambda: repository.is_ready(engine(settings)))


def event_published(message: EventPublished, envelope: Envelope) -> None:
    """Keeps what reports show of the event."""
    use_cases.keep_event(message, engine(settings))


def pool_changed(message: PoolChanged, envelope: Envelope) -> None:
    """Keeps how large the pool is now."""
    use_cases.keep_pool(message, engine(settings))


def order_confirmed(message: OrderConfirmed, envelope: Envelope) -> None:
    """Counts the sale."""
    use_cases.count_sale(message, engine(settings))


def order_refunded(message: OrderRefunded, envelope: Envelope) -> None:
    """Counts the refund."""
    use_cases.count_refund(message, engine(settings))


def ticket_admitted(message: TicketAdmitted, envelope: Envelope) -> None:
    """Counts the admission."""
    use_cases.count_admission(message, engine(settings))


consumer = Consumer(
    name="reporting",
    handlers={
        EventPublished: event_published,
        PoolChanged: pool_changed,
        OrderConfirmed: order_confirmed,
        OrderRefunded: order_refunded,
        TicketAdmitted: ticket_admitted,
    },
)


@app.authorizer(name="authorize", ttl_seconds=AUTHORIZER_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse:
    """Verifies the access token of every route that is not public."""
    return authorize_access_token(request)


@app.on_sqs_message(queue=settings.reporting_queue_name, batch_size=10, name="consume")
def consume(event: SQSEvent) -> dict[str, Any]:
    """Takes up the messages reporting hears."""
    return consumer.handle(event)


@app.route(
    "/v1/reports/sales",
    query=SalesQuery,
    answers=SalesView,
    access=member(*use_cases.READERS),
    summary="An organiser's sales",
    media_types=("text/csv",),
    errors=(domain.PeriodBackwards,),
)
def show_sales(call: Call) -> SalesView | Answer:
    """Sold, revenue, refunded and admitted of each event, in a period; as a table with `Accept: text/csv`.

    `from` counts, `to` does not. Sales count by when they were confirmed, refunds by when they were paid back, and
    tickets by when they were first admitted.
    """
    events = use_cases.sales(
        call.query.organiser_id,
        call.person,
        engine(settings),
        begins_on=_asked(call.query.begins, "from"),
        ends_before=_asked(call.query.ends, "to"),
    )
    if _wants_csv(call.headers.get("accept", "")):
        headers = {
            "Content-Type": "text/csv; charset=utf-8; header=present",
            "Content-Disposition": 'attachment; filename="sales.csv"',
            "Vary": "Accept",
        }
        return Answer(domain.as_csv(events), headers=headers)
    view = SalesView(
        organiser_id=call.query.organiser_id,
        items=[EventSalesView.of_event(event) for event in events],
        totals=[AmountsView.of(figures) for figures in domain.totals(events)],
    )
    return Answer(view, headers={"Vary": "Accept"})


@app.route(
    "/v1/reports/events/{event_id}/sales",
    answers=EventReportView,
    access=member(*use_cases.READERS),
    summary="An event's sales",
    errors=(domain.EventUnknown,),
    # From the 1st of December 2026 on.
    deprecated="@1796083200",
    sunset="Tue, 01 Jun 2027 00:00:00 GMT",
    successor="/v2/reports/events/{event_id}/sales",
)
def show_event_sales(call: Call) -> EventReportView:
    """One event's figures, by ticket type and by day of the venue's calendar; version 2 has all currencies alike."""
    return EventReportView.of_report(use_cases.event_sales(call.path["event_id"], call.person, engine(settings)))


@app.route(
    "/v2/reports/events/{event_id}/sales",
    answers=schemas_v2.EventReportV2View,
    access=member(*use_cases.READERS),
    summary="An event's sales",
    errors=(domain.EventUnknown,),
)
def show_event_sales_v2(call: Call) -> schemas_v2.EventReportV2View:
    """One event's figures in every currency, by ticket type and by day of the venue's calendar."""
    report = use_cases.event_sales(call.path["event_id"], call.person, engine(settings))
    return schemas_v2.EventReportV2View.of_report(report)


def _asked(text: str | None, name: str) -> date | datetime | None:
    try:
        return moment(text)
    except ValueError as trouble:
        raise ValidationFailed("The calendar has no such day or moment.", field=name) from trouble


def _wants_csv(accept: str) -> bool:
    """Whether a table is asked for by name; a browser's `*/*` is not asking."""
    types = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return "text/csv" in types and "application/json" not in types
