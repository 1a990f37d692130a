"""What an organiser does with the pools of an event that is on sale: look, make larger or smaller, close and open."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from services.reservations import domain, repository
from services.reservations.domain import GeneralLayout, Layout, Run, Sale, SeatedLayout
from services.reservations.domain.refusals import BelowSold, Busy, PoolUnknown, WrongKind
from services.reservations.pool_schemas import ChangePool, PoolView
from services.reservations.repository import PoolRow, hints, off_sale, pools
from services.reservations.repository.hints import Told
from services.reservations.use_cases.counting import Count, count, is_counted
from shared.auth import Identity
from shared.data import StaleVersion
from shared.http import PreconditionFailed

LOOKERS: Final = ("owner", "manager", "box_office")
STEERERS: Final = ("owner", "manager")

# What one request looks at and writes at most, so that it is answered in seconds; the next one goes on.
LOOKED_BLOCKS_MAX: Final = 4000
WRITTEN_BLOCKS_MAX: Final = 1000
_SECONDS_KEPT: Final = 5.0
_TRIES_MAX: Final = 6

SecondsLeft = Callable[[], float]


def list_pools(event_id: str, person: Identity, now: datetime) -> list[PoolView]:
    """The pools of an event as they are now, for its owners, managers and box office.

    Raises EventUnknown, NotFound for strangers, Forbidden for other roles.
    """
    sale = repository.sale_of(event_id, now)
    person.require_member(sale.organiser_id, *LOOKERS)
    rows = [pools.pool(pool_id) for pool_id in sale.layouts]
    return [_view(row, now) for row in rows if row is not None]


def steer_pool(
    pool_id: str,
    change: ChangePool,
    expected_version: int | None,
    person: Identity,
    now: datetime,
    seconds_left: SecondsLeft,
) -> PoolView:
    """Change a pool of the version that was read: its capacity, its seats, and whether it is closed.

    It grows at once. It shrinks by giving up free places from its end, as many as one request may; `complete` says
    whether that is all, and the same request again goes on, also after a crash. What is as it should be already is
    answered as it is. Raises PoolUnknown, NotFound, Forbidden, PreconditionFailed, WrongKind, RunRefused, PoolFull,
    BelowSold and Busy.
    """
    asked = f"{expected_version}:{hashlib.blake2b(msgspec.json.encode(change), digest_size=12).hexdigest()}"
    for _ in range(_TRIES_MAX):
        row, sale = _row(pool_id, person, now)
        try:
            if row.asked != asked and not _is_so(row, change):
                if expected_version is not None and expected_version != row.version:
                    raise PreconditionFailed(f"The pool has version {row.version} now.")
                _plan(row, change, sale, now)
                row.asked = asked
                pools.change_pool(row, _changed_layout(row, change, sale), now)
                _tell_of_room(row, now)
            _give_up_places(row, now, seconds_left)
        except StaleVersion:
            continue
        return _view(row, now)
    raise Busy


def _row(pool_id: str, person: Identity, now: datetime) -> tuple[PoolRow, Sale]:
    row = pools.pool(pool_id)
    if row is None:
        raise PoolUnknown
    sale = repository.sale_of(row.event_id, now)
    person.require_member(sale.organiser_id, *STEERERS)
    row.organiser_id = sale.organiser_id
    return row, sale


def _is_so(row: PoolRow, change: ChangePool) -> bool:
    """Whether the pool is as the change would have it, or on its way there."""
    if change.closed is not None and change.closed != bool(row.closed):
        return False
    if change.capacity is not None:
        aim = row.wanted if row.wanted is not None else pools.offered(row)
        if change.capacity != aim:
            return False
    layout = row.layout()
    return not change.add_runs or (isinstance(layout, SeatedLayout) and set(_runs(change)) <= set(layout.runs))


def _plan(row: PoolRow, change: ChangePool, sale: Sale, now: datetime) -> None:
    """Note in the row what the change wants of it. Raises WrongKind, BelowSold."""
    if change.closed is not None:
        row.closed = change.closed
    if change.add_runs and row.kind != "seated":
        raise WrongKind("$.add_runs", "A general pool has no seats.")
    if change.capacity is None:
        return
    if row.kind != "general":
        raise WrongKind("$.capacity", "The seats of a pool are its capacity: add runs of seats, or withhold some.")
    if change.capacity >= pools.offered(row):
        row.wanted = row.cursor = None
        return
    layout = row.layout()
    if is_counted(layout):
        kept = count(pools.pool_id_of(row), layout, int(now.timestamp())).of(None)
        least = kept.sold + kept.held + kept.withheld
        if change.capacity < least:
            raise BelowSold(least, kept.sold, kept.held, kept.withheld)
    row.wanted, row.cursor = change.capacity, None


def _changed_layout(row: PoolRow, change: ChangePool, sale: Sale) -> Layout:
    """The layout with what the change adds. Raises RunRefused, PoolFull."""
    layout = row.layout()
    if isinstance(layout, SeatedLayout):
        if not change.add_runs:
            return layout
        types = [one for one in sale.ticket_types if one.pool_id == pools.pool_id_of(row)]
        known = set(layout.runs)
        return domain.with_runs(layout, [run for run in _runs(change) if run not in known], [one.zone for one in types])
    more = (change.capacity or 0) - pools.offered(row)
    return domain.grown(layout, more) if more > 0 else layout


def _runs(change: ChangePool) -> list[Run]:
    return [
        Run(run.section, run.row, run.first, run.last, run.zone, run.accessible, run.companions)
        for run in change.add_runs or ()
    ]


def _give_up_places(row: PoolRow, now: datetime, seconds_left: SecondsLeft) -> None:
    """Give up free places from the end until the pool is as small as it is wanted, or this request has done its part.

    Raises StaleVersion when somebody else changed the pool meanwhile, perhaps this very request on its second way.
    """
    layout = row.layout()
    if row.wanted is None or not isinstance(layout, GeneralLayout):
        return
    pool_id = pools.pool_id_of(row)
    looked = written = refused = 0
    walked = False
    while looked < LOOKED_BLOCKS_MAX and written < WRITTEN_BLOCKS_MAX and seconds_left() > _SECONDS_KEPT:
        wanted, cursor = int(row.wanted), int(row.cursor) if row.cursor is not None else layout.blocks
        missing = pools.offered(row) - wanted
        first = max(0, cursor - max(1, off_sale.BLOCKS_PER_WRITE >> refused))
        seen = repository.look_at((pool_id, number) for number in range(first, cursor))
        chosen = domain.last_free(layout, seen, missing, int(now.timestamp()))
        looked += cursor - first
        found = sum(len(slots) for slots in chosen.values())
        # Below the first block the walk begins anew with the next request: baskets may have run out meanwhile.
        row.cursor = first or None
        if found == missing:
            row.wanted = row.cursor = None
        if chosen:
            try:
                pools.give_up(row, chosen, now)
            except off_sale.SlotsRefused:
                # A buyer was faster: look again, at fewer blocks, so that the next time nobody is.
                row.wanted, row.cursor, refused = wanted, cursor, refused + 1
                continue
            written += len(chosen)
            _tell_given_up(row, chosen, now)
        walked = not chosen
        if row.wanted is None or first == 0:
            break
    if walked:
        pools.note_progress(row, now)


def _tell_given_up(row: PoolRow, chosen: dict[tuple[str, int], tuple[int, ...]], now: datetime) -> None:
    sale = repository.sale_of(row.event_id, now)
    told = [Told(block, dict.fromkeys(slots, domain.WITHHELD_UNTIL), exact=True) for block, slots in chosen.items()]
    hints.tell(sale, told, now)


def _tell_of_room(row: PoolRow, now: datetime) -> None:
    """Whatever was known to be sold out may not be so any more."""
    hints.tell(repository.sale_of(row.event_id, now), [], now, freed=True)


def _view(row: PoolRow, now: datetime) -> PoolView:
    pool_id, layout = pools.pool_id_of(row), row.layout()
    counted: Count = count(pool_id, layout, int(now.timestamp()))
    every = counted.of(None)
    return PoolView(
        pool_id=pool_id,
        event_id=row.event_id,
        kind=layout.kind,
        capacity=pools.offered(row),
        capacity_wanted=int(row.wanted) if row.wanted is not None else None,
        complete=row.wanted is None,
        sold=every.sold,
        held=every.held,
        withheld=every.withheld,
        free=every.free,
        sampled=counted.sampled,
        closed=bool(row.closed),
        version=row.version,
    )
