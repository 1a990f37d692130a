"""Holds and availability over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from contracts.hold import HoldToken
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.domain.waiting_room_refusals import PassRequired
from services.reservations.schemas import Availability, HoldView, PlaceHold
from shared.auth import TokenInvalid, verify_token
from shared.http import BY_HANDLER_OPTIONAL, PUBLIC, Answer, Call, RequestHeader, Routes, ValidationFailed

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
    refusals.PoolClosed,
    refusals.VoucherUnknown,
    refusals.VoucherNotYet,
    refusals.VoucherEnded,
    refusals.VoucherNotForThis,
    refusals.VoucherRequired,
    refusals.MembersOnly,
    refusals.GuestNotHere,
    refusals.ZoneUnknown,
    refusals.AccessibleUnknown,
    refusals.CompanionAlone,
    PassRequired,
    refusals.HoldUnknown,
    refusals.ReplacesAnother,
    refusals.ReplacesAndWithholding,
    refusals.WithholdingUnknown,
    refusals.HoldExpired,
    refusals.HoldSold,
    refusals.PlacesTaken,
    refusals.TypeSoldOut,
    refusals.TypeAllHeld,
    refusals.BuyerLimit,
    refusals.VoucherUsedUp,
    refusals.SoldOut,
    refusals.AllHeld,
    refusals.TooFewLeft,
    refusals.NotTogether,
    refusals.Busy,
    refusals.SameRequestInFlight,
    refusals.KeyOfAnotherRequest,
)
_HOLD_TOKEN: Final = RequestHeader(
    "Hold-Token", "The token that the hold was answered with.", required=True, errors=(TokenInvalid,)
)
_REPLACES: Final = RequestHeader(
    "Replaces", "The token of a hold that ends in the same write and lends this one its places.", errors=(TokenInvalid,)
)
_PASS: Final = RequestHeader("Pass", "The Pass of the event's waiting room, where it has one.")

routes = Routes()


@routes.route(
    "/v1/holds",
    methods=["POST"],
    body=PlaceHold,
    answers=HoldView,
    status=201,
    idempotency=BY_HANDLER_OPTIONAL,
    summary="Keep places for a while",
    headers=(_REPLACES, _PASS),
    errors=_HOLD_REFUSALS,
)
def place_hold(call: Call) -> Any:
    """Holds all places of the basket or none, and answers the token that every further step needs.

    The prices in it win, whatever becomes of the ticket types. Repeated with the same Idempotency-Key it answers the
    same hold. With a hold's token in the header Replaces, that hold ends in the same write and lends the new one its
    places and its time; refused, it stays as it was. An event with a waiting room asks for its Pass in the header Pass.
    """
    sealed = call.headers.get("replaces")
    hold = use_cases.place_hold(
        call.body,
        call.person.person_id,
        call.idempotency_key,
        call.now,
        replaces=_verified(sealed, "Replaces") if sealed is not None else None,
        pass_token=call.headers.get("pass"),
        roles=call.person.roles,
    )
    return Answer(hold, headers={"Location": f"/v1/holds/{hold.hold_id}"})


@routes.route(
    "/v1/holds/{hold_id}",
    answers=HoldView,
    summary="A hold",
    headers=(_HOLD_TOKEN,),
    errors=(refusals.HoldUnknown,),
)
def show_hold(call: Call) -> Any:
    """A hold as it is now: held, confirmed, expired or released. Needs the header Hold-Token."""
    token, sealed = _hold_token(call)
    return use_cases.show_hold(call.path["hold_id"], token, sealed, call.person.person_id, call.now)


@routes.route(
    "/v1/holds/{hold_id}",
    methods=["DELETE"],
    status=204,
    summary="Let a hold go",
    headers=(_HOLD_TOKEN,),
    errors=(refusals.HoldUnknown, refusals.HoldSold),
)
def release_hold(call: Call) -> Any:
    """Gives the places back to sale at once; harmless when repeated. Needs the header Hold-Token."""
    token, _ = _hold_token(call)
    use_cases.release_hold(call.path["hold_id"], token, call.person.person_id, call.now)
    return None


@routes.route(
    "/v1/holds/{hold_id}/extension",
    methods=["POST"],
    answers=HoldView,
    idempotency=BY_HANDLER_OPTIONAL,
    summary="Keep a hold for as long again",
    headers=(_HOLD_TOKEN,),
    errors=(
        refusals.HoldUnknown,
        refusals.EventUnknown,
        refusals.HoldExtended,
        refusals.HoldExpired,
        refusals.HoldSold,
    ),
)
def extend_hold(call: Call) -> Any:
    """Prolongs a hold, once, and answers its new token. Repeated with the old token it answers the same.

    Needs the header Hold-Token.
    """
    token, _ = _hold_token(call)
    return use_cases.extend_hold(call.path["hold_id"], token, call.person.person_id, call.now)


@routes.route(
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
    return _verified(sealed, "Hold-Token"), sealed


def _verified(sealed: str, header: str) -> HoldToken:
    try:
        return verify_token(sealed, use_cases.AUDIENCE, HoldToken, now=_LONG_AGO)
    except TokenInvalid as invalid:
        detail = f"Send the hold's token in the header {header}."
        raise ValidationFailed(detail, slug="token-invalid", field=header) from invalid
