"""Pools and what is withheld of them over HTTP, for the organiser's members."""

from __future__ import annotations

import time
from typing import Any, Final

from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.pool_schemas import (
    AddWithholding,
    ChangePool,
    ChangeWithholding,
    PoolsView,
    PoolView,
    WithholdingsView,
    WithholdingView,
)
from shared.data import deadline
from shared.http import IF_MATCH, IN_TABLE, Answer, Call, Routes, member

_lookers: Final = member(*use_cases.POOL_LOOKERS)
_steerers: Final = member(*use_cases.POOL_STEERERS)
_withholders: Final = member(*use_cases.WITHHOLDERS)
_once: Final = IN_TABLE("RESERVATIONS_TABLE_NAME", required=False)
_FOR_ONE: Final = "private, no-store"

routes = Routes()


@routes.route(
    "/v1/events/{event_id}/pools",
    answers=PoolsView,
    access=_lookers,
    summary="The pools of an event on sale",
    errors=(refusals.EventUnknown,),
    cache=_FOR_ONE,
)
def list_pools(call: Call) -> Any:
    """How large each pool is, and what of it is sold, in baskets, withheld and free."""
    return PoolsView(items=use_cases.list_pools(call.path["event_id"], call.person, call.now))


@routes.route(
    "/v1/pools/{pool_id}",
    methods=["PATCH"],
    body=ChangePool,
    answers=PoolView,
    access=_steerers,
    idempotency=_once,
    summary="Change a pool on sale",
    headers=(IF_MATCH,),
    errors=(
        refusals.PoolUnknown,
        refusals.WrongKind,
        refusals.RunRefused,
        refusals.PoolFull,
        refusals.BelowSold,
        refusals.Busy,
    ),
)
def change_pool(call: Call) -> Any:
    """Changes the capacity, adds seats, closes or opens, of the version that If-Match names.

    A pool never gets smaller than what of it is sold, held or withheld. Where `complete` is false there was more to do
    than one request may: the same request again goes on, under another Idempotency-Key if it has one.
    """
    pool = use_cases.steer_pool(
        call.path["pool_id"], call.body, call.expected_version(), call.person, call.now, _seconds_left
    )
    return Answer(pool, etag=pool.version)


@routes.route(
    "/v1/events/{event_id}/withholdings",
    methods=["POST"],
    body=AddWithholding,
    answers=WithholdingView,
    status=201,
    access=_withholders,
    idempotency=_once,
    summary="Keep places off sale",
    errors=(
        refusals.EventUnknown,
        refusals.PoolUnknown,
        refusals.WrongKind,
        refusals.RunRefused,
        refusals.PlacesTaken,
        refusals.TooFewLeft,
        refusals.Busy,
    ),
)
def add_withholding(call: Call) -> Any:
    """Withholds those of the places that are free; those that are sold or in baskets are answered as missed."""
    made = use_cases.add_withholding(
        call.path["event_id"], call.body, call.operation_id, call.person, call.now, _seconds_left
    )
    location = f"/v1/events/{made.event_id}/withholdings/{made.withholding_id}"
    return Answer(made, headers={"Location": location}, etag=made.version)


@routes.route(
    "/v1/events/{event_id}/withholdings",
    answers=WithholdingsView,
    access=_withholders,
    summary="What is withheld of an event",
    errors=(refusals.EventUnknown,),
    cache=_FOR_ONE,
)
def list_withholdings(call: Call) -> Any:
    """Every withholding with the places it has now; those that went to a buyer are not among them any more."""
    return WithholdingsView(items=use_cases.list_withholdings(call.path["event_id"], call.person, call.now))


@routes.route(
    "/v1/events/{event_id}/withholdings/{withholding_id}",
    methods=["PATCH"],
    body=ChangeWithholding,
    answers=WithholdingView,
    access=_withholders,
    idempotency=_once,
    summary="Give withheld places back",
    headers=(IF_MATCH,),
    errors=(
        refusals.EventUnknown,
        refusals.WithholdingUnknown,
        refusals.WrongKind,
        refusals.RunRefused,
        refusals.Busy,
    ),
)
def change_withholding(call: Call) -> Any:
    """Brings some places back to sale, of the version that If-Match names: these seats, or all but so many."""
    changed = use_cases.change_withholding(
        call.path["event_id"],
        call.path["withholding_id"],
        call.body,
        call.expected_version(),
        call.person,
        call.now,
        _seconds_left,
    )
    return Answer(changed, etag=changed.version)


@routes.route(
    "/v1/events/{event_id}/withholdings/{withholding_id}",
    methods=["DELETE"],
    status=204,
    access=_withholders,
    summary="End a withholding",
    errors=(refusals.EventUnknown, refusals.Busy),
)
def end_withholding(call: Call) -> Any:
    """Brings everything that is withheld back to sale; harmless when repeated."""
    use_cases.end_withholding(call.path["event_id"], call.path["withholding_id"], call.person, call.now, _seconds_left)


def _seconds_left() -> float:
    return deadline.ends_at() - time.monotonic()
