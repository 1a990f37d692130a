"""Waiting lists over HTTP."""

from __future__ import annotations

from typing import Any, Final

from contracts.sale import Buyer
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.domain.waiting_list import (
    AlreadyWaiting,
    EntryUnknown,
    NotSoldOut,
    NotWaitedFor,
    WaitingListFull,
)
from services.reservations.waiting_list_schemas import Entries, EntryView, JoinWaitingList
from shared.http import BY_HANDLER_OPTIONAL, Answer, Call, Routes

_JOIN_REFUSALS: Final = (
    refusals.EventUnknown,
    refusals.TicketTypeUnknown,
    refusals.TooManyPlaces,
    refusals.NotOnSale,
    refusals.SaleEnded,
    refusals.PoolClosed,
    refusals.BuyerLimit,
    refusals.Busy,
    NotWaitedFor,
    NotSoldOut,
    AlreadyWaiting,
    WaitingListFull,
)

routes = Routes()


@routes.route(
    "/v1/waiting-lists/{event_id}/entries",
    methods=["POST"],
    body=JoinWaitingList,
    answers=EntryView,
    status=201,
    idempotency=BY_HANDLER_OPTIONAL,
    summary="Wait for places that are sold out",
    errors=_JOIN_REFUSALS,
)
def join_waiting_list(call: Call) -> Any:
    """Puts the person at the end of the list. When places come free in turn, they are kept and a mail says so.

    Whoever waits for the ticket type already gets the same entry again.
    """
    person = call.person
    buyer = Buyer(person_id=person.person_id, email=person.email, name=person.name)
    entry = use_cases.join_waiting_list(call.path["event_id"], call.body, buyer, call.now)
    return Answer(entry, headers={"Location": f"/v1/waiting-lists/{entry.event_id}/entries"})


@routes.route(
    "/v1/waiting-lists/{event_id}/entries",
    answers=Entries,
    summary="What one waits for",
    errors=(refusals.EventUnknown,),
)
def list_waiting_list_entries(call: Call) -> Any:
    """The person's own entries at the event, with the hold's token where places are offered."""
    entries = use_cases.waiting_list_entries(call.path["event_id"], call.person.person_id, call.now)
    return Answer(Entries(entries), headers={"Cache-Control": "private, no-store"})


@routes.route(
    "/v1/waiting-lists/{event_id}/entries/{entry_id}",
    methods=["DELETE"],
    status=204,
    summary="Wait no more",
    errors=(EntryUnknown, refusals.HoldSold),
)
def leave_waiting_list(call: Call) -> Any:
    """Takes the person off the list, and passes an offer on at once; harmless when repeated."""
    use_cases.leave_waiting_list(call.path["event_id"], call.path["entry_id"], call.person.person_id, call.now)
    return None
