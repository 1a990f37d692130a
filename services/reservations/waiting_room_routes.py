"""The waiting room over HTTP."""

from __future__ import annotations

from typing import Any, Final

from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.domain import waiting_room_refusals as why_not
from services.reservations.use_cases.waiting_room_settings import STEERERS, WATCHERS
from services.reservations.waiting_room_schemas import (
    ChangeWaitingRoom,
    NumberView,
    PassView,
    SetUpWaitingRoom,
    TakeNumber,
    TakePass,
    WaitingRoomControl,
    WaitingRoomSettings,
    WaitingRoomStatus,
)
from shared.http import BY_HANDLER_OPTIONAL, EXEMPT, IF_MATCH, IN_TABLE, PUBLIC, Answer, Call, Routes, member

_once: Final = IN_TABLE("RESERVATIONS_TABLE_NAME", required=False)

routes = Routes()


@routes.route(
    "/v1/waiting-rooms/{event_id}",
    methods=["PUT"],
    body=SetUpWaitingRoom,
    idempotency=_once,
    answers=WaitingRoomSettings,
    access=member(*STEERERS),
    summary="Set up a waiting room",
    errors=(refusals.EventUnknown, why_not.WaitingRoomOpened),
)
def set_up_waiting_room(call: Call) -> Any:
    """From now on holds of the event need a Pass. Replaces what was set; within five seconds everywhere."""
    settings = use_cases.set_up_room(call.path["event_id"], call.body, call.person, call.now)
    return Answer(settings, etag=settings.version)


@routes.route(
    "/v1/waiting-rooms/{event_id}",
    answers=WaitingRoomControl,
    access=member(*WATCHERS),
    summary="A waiting room, for those who steer it",
    errors=(refusals.EventUnknown, why_not.WaitingRoomUnknown),
    cache="no-store",
)
def show_waiting_room(call: Call) -> Any:
    """How it is set, who waits, what the last minute brought, how fast it goes, and why. The ETag is the settings'."""
    control = use_cases.control_room(call.path["event_id"], call.person, call.now)
    return Answer(control, etag=control.settings.version)


@routes.route(
    "/v1/waiting-rooms/{event_id}",
    methods=["PATCH"],
    body=ChangeWaitingRoom,
    idempotency=_once,
    answers=WaitingRoomSettings,
    access=member(*STEERERS),
    summary="Steer a waiting room",
    headers=(IF_MATCH,),
    errors=(refusals.EventUnknown, why_not.WaitingRoomUnknown, why_not.WaitingRoomOpened),
)
def change_waiting_room(call: Call) -> Any:
    """Changes the rate, pauses, ends, or tells those who wait something; the opening only before it. Needs If-Match."""
    expected = call.expected_version()
    settings = use_cases.change_room(call.path["event_id"], call.body, expected, call.person, call.now)
    return Answer(settings, etag=settings.version)


@routes.route(
    "/v1/waiting-rooms/{event_id}/status",
    access=PUBLIC,
    answers=WaitingRoomStatus,
    summary="Who is served now",
    errors=(why_not.WaitingRoomUnknown,),
    cache="public, max-age=1",
    throttle=EXEMPT,
)
def show_waiting_room_status(call: Call) -> Any:
    """The one document that everybody who waits asks for; kept for a second. A number below `serving` is served."""
    document, retry_after = use_cases.waiting_room_status(call.path["event_id"], call.now)
    return Answer(document, headers={"Retry-After": str(retry_after)} if retry_after is not None else {})


@routes.route(
    "/v1/waiting-rooms/{event_id}/numbers",
    methods=["POST"],
    body=TakeNumber,
    idempotency=BY_HANDLER_OPTIONAL,
    answers=NumberView,
    summary="Take a number",
    errors=(
        why_not.WaitingRoomUnknown,
        why_not.WaitingRoomEnded,
        why_not.WaitingRoomClosed,
        why_not.ProofRequired,
        why_not.ProofInvalid,
    ),
)
def take_number(call: Call) -> Any:
    """One person gets one number: asked again, the same."""
    asked: TakeNumber = call.body
    return use_cases.take_number(call.path["event_id"], call.person.person_id, asked.proof, call.source_ip, call.now)


@routes.route(
    "/v1/waiting-rooms/{event_id}/passes",
    methods=["POST"],
    body=TakePass,
    idempotency=BY_HANDLER_OPTIONAL,
    answers=PassView,
    status=201,
    summary="Get a Pass",
    errors=(
        why_not.WaitingRoomUnknown,
        why_not.WaitingRoomEnded,
        why_not.NumberUnknown,
        why_not.NotServedYet,
    ),
)
def take_pass(call: Call) -> Any:
    """A Pass for a number that is served, to hold places with; asked again, a Pass again."""
    asked: TakePass = call.body
    return use_cases.take_pass(call.path["event_id"], asked.number, call.person.person_id, call.now)
