"""Catalog: the Chalice app. Routes and triggers parse, call one use case and map the answer."""

from __future__ import annotations

import time
from typing import Any

from chalice.app import AuthRequest, AuthResponse, DynamoDBEvent, SQSEvent

from contracts.accounts import OrganiserRegistered
from contracts.catalog import EventPublished, VoucherChanged
from services.catalog import domain, use_cases, voucher_routes
from services.catalog.domain.search import TooManyMatches
from services.catalog.schemas import (
    AddSeatMap,
    AddSeries,
    AddVenue,
    ChangeEvent,
    EventsQuery,
    EventSummary,
    EventView,
    ImportReport,
    ImportSeason,
    OrganisersQuery,
    PlanEvent,
    SeatMapView,
    SeriesView,
    VenueView,
)
from services.catalog.settings import CatalogSettings
from services.catalog.views import event_summary, event_view, seat_map_view, series_view, venue_view
from shared import clock
from shared.auth import AUTHORIZER_SECONDS, Identity, TokenInvalid, authorize_access_token, valid_claims
from shared.data import deadline
from shared.http import (
    IF_MATCH,
    IN_PROCESS,
    IN_TABLE,
    PUBLIC,
    Answer,
    App,
    Call,
    NotFound,
    PageView,
    Unauthorized,
    member,
    page_answer,
)
from shared.messaging import Consumer, Relay
from shared.settings import load

# Browsers and the edge ask again after ten seconds, the edge without keeping anybody waiting, and it goes on with what
# it has while nothing here answers; what is held or sold is never in here.
FOR_EVERYBODY = "public, max-age=10, s-maxage=10, stale-while-revalidate=30, stale-if-error=300"
FOR_EVERYBODY_LONG = "public, max-age=3600, s-maxage=86400"
FOR_ONE = "private, no-store"

settings = load(CatalogSettings)
app = App(
    "catalog",
    problems={
        domain.Incomplete: (422, "validation-failed", "Something in the request is not acceptable"),
        TooManyMatches: (422, "too-many-matches", "Too many events are in question"),
        domain.Fixed: (409, "fixed-by-publication", "This cannot be changed once the event is published"),
        domain.OrganiserNotKnownYet: (503, "organiser-not-known-yet", "The organiser is still on its way"),
        domain.SeasonNotPackaged: (422, "season-not-packaged", "The season is not part of this deployment"),
        domain.CodeUsed: (409, "voucher-code-used", "The event has another voucher of this code"),
        domain.Revoked: (409, "voucher-revoked", "The voucher was revoked"),
        domain.ChangedMeanwhile: (409, "changed-meanwhile", "Somebody else is changing it"),
    },
)
_planners = member("owner", "manager")
_once = IN_TABLE("CATALOG_TABLE_NAME", required=False)


@app.authorizer(name="authorize", ttl_seconds=AUTHORIZER_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse:
    """Verifies the access token for every route of this API."""
    return authorize_access_token(request)


@app.route(
    "/v1/venues",
    methods=["POST"],
    body=AddVenue,
    answers=VenueView,
    status=201,
    access=_planners,
    idempotency=_once,
    summary="Add a venue",
)
def add_venue(call: Call) -> Any:
    """Adds a place to the organiser's own."""
    venue = use_cases.add_venue(call.body, call.operation_id, call.now)
    return Answer(venue_view(venue), headers={"Location": f"/v1/venues/{venue.venue_id}"})


@app.route("/v1/venues", query=OrganisersQuery, answers=PageView[VenueView], access=member(), summary="Its venues")
def list_venues(call: Call) -> Any:
    """The organiser's venues, by name, for its members."""
    page = use_cases.list_venues(call.query.organiser_id, call.query.limit, call.query.cursor)
    return page_answer(page, lambda row: venue_view(row.venue), "/v1/venues", call.query)


@app.route(
    "/v1/venues/{venue_id}", answers=VenueView, access=PUBLIC, summary="A venue", errors=(NotFound, Unauthorized)
)
def show_venue(call: Call) -> Any:
    """A venue; a private one is there for the organiser's members only."""
    venue = use_cases.venue(call.path["venue_id"], _visitor(call))
    return Answer(venue_view(venue), headers={"Cache-Control": FOR_ONE if venue.private else FOR_EVERYBODY})


@app.route(
    "/v1/seat-maps",
    methods=["POST"],
    body=AddSeatMap,
    answers=SeatMapView,
    status=201,
    access=_planners,
    idempotency=_once,
    summary="Add a seat map",
    errors=(domain.Incomplete,),
)
def add_seat_map(call: Call) -> Any:
    """Adds the plan of a venue: sections, rows, and in them runs of seats with their price zones."""
    seat_map = use_cases.add_seat_map(call.body, call.operation_id, call.now)
    return Answer(seat_map_view(seat_map), headers={"Location": f"/v1/seat-maps/{seat_map.seat_map_id}"})


@app.route(
    "/v1/seat-maps/{seat_map_id}", answers=SeatMapView, access=PUBLIC, summary="A seat map", cache=FOR_EVERYBODY_LONG
)
def show_seat_map(call: Call) -> Any:
    """A plan, for everybody who chooses a seat. It never changes, so caches may keep it."""
    return seat_map_view(use_cases.seat_map(call.path["seat_map_id"]))


@app.route(
    "/v1/series",
    methods=["POST"],
    body=AddSeries,
    answers=SeriesView,
    status=201,
    access=_planners,
    idempotency=_once,
    summary="Add a series",
)
def add_series(call: Call) -> Any:
    """Adds a series that events can belong to."""
    return series_view(use_cases.add_series(call.body, call.operation_id, call.now))


@app.route("/v1/series", query=OrganisersQuery, answers=PageView[SeriesView], access=member(), summary="Its series")
def list_series(call: Call) -> Any:
    """The organiser's series, by name, for its members."""
    page = use_cases.list_series(call.query.organiser_id, call.query.limit, call.query.cursor)
    return page_answer(page, lambda row: series_view(row.series), "/v1/series", call.query)


@app.route(
    "/v1/events",
    methods=["POST"],
    body=PlanEvent,
    answers=EventView,
    status=201,
    access=_planners,
    idempotency=_once,
    summary="Plan an event",
    errors=(domain.Incomplete,),
)
def plan_event(call: Call) -> Any:
    """Makes a draft, which only members see until it is published."""
    event = use_cases.plan_event(call.body, call.operation_id, call.now)
    return Answer(event_view(event), headers={"Location": f"/v1/events/{event.event_id}"}, etag=event.version)


@app.route(
    "/v1/events",
    query=EventsQuery,
    answers=PageView[EventSummary],
    access=PUBLIC,
    throttle=IN_PROCESS,
    summary="Browse and search events",
    errors=(Unauthorized, domain.Incomplete, TooManyMatches),
)
def list_events(call: Call) -> Any:
    """What is coming up, by date, price or relevance; or one organiser's events, with its drafts for a member."""
    visitor, query = _visitor(call), call.query
    headers = {"Cache-Control": FOR_EVERYBODY, "Vary": "Authorization"}
    if query.organiser_id is None or not query.is_organisers_list:
        found = use_cases.search_events(query, call.now)
        return page_answer(found, event_summary, "/v1/events", query, headers)
    if visitor is not None:
        # Whoever signs in may see more than others under the same address, so that answer is for nobody's cache.
        headers["Cache-Control"] = FOR_ONE
    page = use_cases.organisers_events(query.organiser_id, visitor, query.limit, query.cursor)
    return page_answer(page, event_summary, "/v1/events", query, headers)


@app.route(
    "/v1/events/{event_id}",
    answers=EventView,
    access=PUBLIC,
    throttle=IN_PROCESS,
    summary="An event",
    expand=("venue",),
    errors=(NotFound, Unauthorized),
)
def show_event(call: Call) -> Any:
    """An event: for everybody once it is published, before that for the organiser's members only."""
    visitor = _visitor(call)
    event = use_cases.event_for(call.path["event_id"], visitor, call.now)
    is_member = visitor is not None and visitor.is_member(event.organiser_id)
    cache = FOR_EVERYBODY if event.state == "published" and not is_member else FOR_ONE
    headers = {"Cache-Control": cache, "Vary": "Authorization"}
    venue = use_cases.shown_venue(event, is_member=is_member) if "venue" in call.expand else None
    return Answer(event_view(event, for_members=is_member, venue=venue), headers=headers, etag=event.version)


@app.route(
    "/v1/events/{event_id}",
    methods=["PATCH"],
    body=ChangeEvent,
    answers=EventView,
    access=_planners,
    idempotency=_once,
    summary="Change an event",
    headers=(IF_MATCH,),
    errors=(domain.Incomplete, domain.Fixed),
)
def change_event(call: Call) -> Any:
    """Changes the fields sent, of the version that If-Match names."""
    event = use_cases.change_event(call.path["event_id"], call.body, call.expected_version(), call.person, call.now)
    return Answer(event_view(event), etag=event.version)


@app.route(
    "/v1/events/{event_id}/publication",
    methods=["POST"],
    answers=EventView,
    access=_planners,
    summary="Publish an event",
    errors=(domain.Incomplete, domain.OrganiserNotKnownYet, domain.ChangedMeanwhile),
)
def publish_event(call: Call) -> Any:
    """Opens an event to the public. Sent again it answers the same event."""
    event = use_cases.publish_event(call.path["event_id"], call.person, call.now)
    return Answer(event_view(event), etag=event.version)


@app.route(
    "/v1/imports",
    methods=["POST"],
    body=ImportSeason,
    answers=ImportReport,
    access=_planners,
    idempotency=_once,
    summary="Import a season",
    errors=(domain.OrganiserNotKnownYet, domain.SeasonNotPackaged),
)
def import_season(call: Call) -> Any:
    """Brings a season's concerts in as events. Sent again it goes on where time ran out, and repeats nothing.

    With an Idempotency-Key a repetition is answered by the report of the first time; to go on, send another or none.
    """
    return use_cases.import_season(call.body, call.now, _seconds_left)


def _seconds_left() -> float:
    return deadline.ends_at() - time.monotonic()


def _visitor(call: Call) -> Identity | None:
    """Who looks at a public route, where a token says so. Raises Unauthorized for a token that is not valid."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return None
    try:
        return valid_claims(token.strip()).identity
    except TokenInvalid as invalid:
        raise Unauthorized("The access token is not valid any more.") from invalid


voucher_routes.routes.add_to(app)

_relay = Relay(
    source="catalog",
    topic_arn=settings.catalog_topic_arn,
    builders={
        EventPublished.type_name: lambda image: use_cases.announced_event(image, clock.now()),
        VoucherChanged.type_name: use_cases.voucher_message,
    },
)
_consumer = Consumer(
    name="catalog",
    handlers={OrganiserRegistered: lambda message, envelope: _keep_organiser(message)},
)


def _keep_organiser(message: OrganiserRegistered) -> None:
    use_cases.keep_organiser(message, clock.now())


@app.on_dynamodb_record(
    stream_arn=settings.catalog_table_stream_arn,
    batch_size=100,
    starting_position="TRIM_HORIZON",
    name="relay",
)
def relay(event: DynamoDBEvent) -> dict[str, list[dict[str, str]]]:
    """Publishes what the events' rows announce, and lets the public's next look see them as they are now."""
    use_cases.forget_changed(record["dynamodb"]["Keys"]["pk"]["S"] for record in event.to_dict()["Records"])
    return _relay.handle(event)


@app.on_sqs_message(queue=settings.catalog_queue_name, batch_size=10, name="consume")
def consume(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    """Takes in what accounts says of organisers."""
    return _consumer.handle(event)
