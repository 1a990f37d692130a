"""Withholding: an organiser keeps places off sale, for the house, for guests, for a camera, and gives them back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import msgspec

from services.reservations import domain, repository
from services.reservations.domain import Layout, Passing, Place, Sale, SeatedLayout
from services.reservations.domain.refusals import (
    Busy,
    PlacesTaken,
    PoolUnknown,
    TooFewLeft,
    WithholdingUnknown,
    WrongKind,
)
from services.reservations.pool_schemas import (
    PLACES_WITHHELD_MAX,
    AddWithholding,
    ChangeWithholding,
    SeatsNamed,
    SeatsView,
    WithholdingView,
)
from services.reservations.repository import hints, off_sale, withholdings
from services.reservations.repository.hints import Told
from services.reservations.repository.withholdings import WithholdingRow
from shared.auth import Identity
from shared.data import ConditionRefused, StaleVersion
from shared.http import PreconditionFailed
from shared.ids import new_id, raw_bytes, same_body

WITHHOLDERS: Final = ("owner", "manager", "box_office")
LOOKED_BLOCKS_MAX: Final = 4000
_SECONDS_KEPT: Final = 5.0
_TRIES_MAX: Final = 6

SecondsLeft = Callable[[], float]


def add_withholding(
    event_id: str,
    asked: AddWithholding,
    operation_id: str | None,
    person: Identity,
    now: datetime,
    seconds_left: SecondsLeft,
) -> WithholdingView:
    """Keep places off sale that are free now; what is not is named as missed. Sent again with its key, it goes on.

    Raises EventUnknown, NotFound, Forbidden, PoolUnknown, WrongKind, RunRefused, PlacesTaken or TooFewLeft where there
    was nothing to withhold, and Busy.
    """
    sale = _sale(event_id, person, now)
    layout = sale.layouts.get(asked.pool_id)
    if layout is None:
        raise PoolUnknown
    withholding_id = new_id("wth", now) if operation_id is None else same_body("wth", operation_id)
    row = withholdings.new_withholding(event_id, withholding_id, asked.pool_id, asked.name.strip())
    if isinstance(layout, SeatedLayout):
        if asked.seats is None:
            raise WrongKind("$.seats", "Name the seats of a seated pool.")
        if asked.quantity is not None:
            raise WrongKind("$.quantity", "Of a seated pool, seats are withheld by name.")
        row.keep("left", _named(layout, asked.pool_id, asked.seats))
    else:
        if asked.quantity is None:
            raise WrongKind("$.quantity", "Say how many places of a general pool.")
        if asked.seats is not None:
            raise WrongKind("$.seats", "A general pool has no seats.")
        row.missing = asked.quantity
    row = withholdings.add(row, now)
    for attempt in range(_TRIES_MAX):
        try:
            row = _work(row, sale, now, seconds_left)
            break
        except StaleVersion:
            # The same request on its second way: both go on from what is stored.
            row = _row(event_id, withholding_id)
            if attempt == _TRIES_MAX - 1:
                raise Busy from None
    if row.is_complete() and not row.set_of("places"):
        missed = [layout.seat(place.block, place.slot) for place in sorted(row.set_of("missed"))]
        withholdings.end(row)
        if not missed:
            raise TooFewLeft(0)
        raise PlacesTaken([_seat(seat) for seat in missed if seat is not None])
    return _view(row, sale)


def list_withholdings(event_id: str, person: Identity, now: datetime) -> list[WithholdingView]:
    """What is withheld of an event now, oldest first. Raises EventUnknown, NotFound, Forbidden."""
    sale = _sale(event_id, person, now)
    return [_view(row, sale) for row in withholdings.every(event_id) if row.pool_id in sale.layouts]


def change_withholding(
    event_id: str,
    withholding_id: str,
    change: ChangeWithholding,
    expected_version: int | None,
    person: Identity,
    now: datetime,
    seconds_left: SecondsLeft,
) -> WithholdingView:
    """Give part of what is withheld back to sale: all but so many places, or these seats.

    What is as it should be already is answered as it is. Raises EventUnknown, WithholdingUnknown, NotFound, Forbidden,
    PreconditionFailed, WrongKind, RunRefused and Busy.
    """
    sale = _sale(event_id, person, now)
    asked = f"{expected_version}:{hashlib.blake2b(msgspec.json.encode(change), digest_size=12).hexdigest()}"
    for _ in range(_TRIES_MAX):
        row = _row(event_id, withholding_id)
        try:
            if row.asked != asked:
                giving = _to_give(row, change, sale)
                if giving and expected_version is not None and expected_version != row.version:
                    raise PreconditionFailed(f"The withholding has version {row.version} now.")
                if giving:
                    row.asked = asked
                    row.keep("giving", row.set_of("giving") | giving)
                    withholdings.save(row, now)
            return _view(_work(row, sale, now, seconds_left), sale)
        except StaleVersion:
            continue
    raise Busy


def end_withholding(
    event_id: str, withholding_id: str, person: Identity, now: datetime, seconds_left: SecondsLeft
) -> None:
    """Give everything that is withheld back to sale; harmless when repeated, and a repetition goes on after a crash.

    Raises EventUnknown, NotFound, Forbidden, and Busy when there was more to do than one request may.
    """
    sale = _sale(event_id, person, now)
    for _ in range(_TRIES_MAX):
        row = withholdings.find(event_id, withholding_id)
        if row is None:
            return
        try:
            if not row.ending:
                row.ending, row.missing, row.cursor = True, None, None
                row.keep("left", ())
                row.keep("giving", row.set_of("places"))
                withholdings.save(row, now)
            row = _work(row, sale, now, seconds_left)
            if row.set_of("giving"):
                raise Busy
            withholdings.end(row)
            return
        except (StaleVersion, ConditionRefused):
            continue
    raise Busy


def withheld_for(sale: Sale, withholding_id: str) -> Passing:
    """What a member may take over from a withholding for a basket, and nothing besides. Raises WithholdingUnknown.

    Which of its places are withheld still is looked up, because those taken over earlier are not struck off its row.
    """
    row = _row(sale.event_id, withholding_id)
    return Passing(raw_bytes(withholding_id), frozenset(_withheld_now(row)), frees=False, only=True)


def _sale(event_id: str, person: Identity, now: datetime) -> Sale:
    sale = repository.sale_of(event_id, now)
    person.require_member(sale.organiser_id, *WITHHOLDERS)
    return sale


def _row(event_id: str, withholding_id: str) -> WithholdingRow:
    row = withholdings.find(event_id, withholding_id)
    if row is None:
        raise WithholdingUnknown
    return row


def _named(layout: SeatedLayout, pool_id: str, seats: Sequence[SeatsNamed], field: str = "$.seats") -> list[Place]:
    """The places of seats that were named. Raises RunRefused, WrongKind."""
    count = sum(max(0, one.last - one.first + 1) for one in seats)
    if count > PLACES_WITHHELD_MAX:
        raise WrongKind(field, f"One withholding has at most {PLACES_WITHHELD_MAX} places.")
    for number, one in enumerate(seats):
        if one.last < one.first:
            raise WrongKind(f"{field}[{number}].last", "The last seat comes after the first.")
    named = [(one.section, one.row, one.first, one.last) for one in seats]
    return domain.places_of_runs(layout, pool_id, named, field)


def _to_give(row: WithholdingRow, change: ChangeWithholding, sale: Sale) -> set[Place]:
    """The places that a change brings back to sale. Raises WrongKind, RunRefused."""
    layout = sale.layouts.get(row.pool_id)
    if layout is None:
        raise PoolUnknown
    withheld = _withheld_now(row) - row.set_of("giving")
    if isinstance(layout, SeatedLayout):
        if change.quantity is not None:
            raise WrongKind("$.quantity", "Of a seated pool, seats are given back by name.")
        return withheld & set(_named(layout, row.pool_id, change.give_back or (), "$.give_back"))
    if change.give_back is not None:
        raise WrongKind("$.give_back", "A general pool has no seats.")
    if change.quantity is None:
        return set()
    if change.quantity > len(withheld):
        raise WrongKind("$.quantity", "It withholds fewer places; add another withholding for more.")
    return set(sorted(withheld)[change.quantity :])


def _work(row: WithholdingRow, sale: Sale, now: datetime, seconds_left: SecondsLeft) -> WithholdingRow:
    """Do what the row's plan says, step by step, each step one transaction with the row. Raises StaleVersion."""
    layout = sale.layouts[row.pool_id]
    looked = refused = 0
    while not row.is_complete() and seconds_left() > _SECONDS_KEPT and looked < LOOKED_BLOCKS_MAX:
        size = max(1, off_sale.BLOCKS_PER_WRITE >> refused)
        if row.set_of("giving"):
            step = _give_step
        elif row.set_of("left"):
            step = _named_step
        elif row.missing:
            step = _counted_step
        else:
            break
        try:
            looked += step(row, layout, sale, now, size)
        except off_sale.SlotsRefused:
            # Somebody was faster: the next step looks again, at fewer blocks. Nothing was written, so the row as it is
            # stored is what counts.
            refused += 1
            looked += size
            row = _row(row.event_id, row.withholding_id)
    return row


def _give_step(row: WithholdingRow, layout: Layout, sale: Sale, now: datetime, size: int) -> int:
    giving = _some_blocks(row.set_of("giving"), size)
    own = _own(row, giving)
    row.keep("giving", row.set_of("giving") - giving)
    row.keep("places", row.set_of("places") - giving)
    if own:
        withholdings.give_back(row, own, now)
        _tell(sale, own, 0, now)
    else:
        withholdings.save(row, now)
    return size


def _named_step(row: WithholdingRow, layout: Layout, sale: Sale, now: datetime, size: int) -> int:
    wanted = _some_blocks(row.set_of("left"), size)
    seconds = int(now.timestamp())
    seen = repository.look_at(domain.by_block(wanted))
    free = {
        place
        for place in wanted
        if (taken := seen[place.pool_id, place.block].get(place.slot)) is None or taken.until < seconds
    }
    row.keep("left", row.set_of("left") - wanted)
    row.keep("missed", row.set_of("missed") | (wanted - free))
    row.keep("places", row.set_of("places") | free)
    _withhold(row, free, sale, now)
    return size


def _counted_step(row: WithholdingRow, layout: Layout, sale: Sale, now: datetime, size: int) -> int:
    missing, cursor = int(row.missing or 0), int(row.cursor) if row.cursor is not None else layout.blocks
    first = max(0, cursor - size)
    seen = repository.look_at((row.pool_id, number) for number in range(first, cursor))
    chosen = domain.last_free(layout, seen, missing, int(now.timestamp()))
    found = {Place(*block, slot) for block, slots in chosen.items() for slot in slots}
    row.missing, row.cursor = missing - len(found), first
    if first == 0 or not row.missing:
        row.missed_count, row.missing, row.cursor = row.missing, None, None
    row.keep("places", row.set_of("places") | found)
    _withhold(row, found, sale, now)
    return size


def _withhold(row: WithholdingRow, places: set[Place], sale: Sale, now: datetime) -> None:
    if places:
        withholdings.withhold(row, places, now)
        _tell(sale, places, domain.WITHHELD_UNTIL, now)
    else:
        withholdings.save(row, now)


def _some_blocks(places: set[Place], blocks: int) -> set[Place]:
    """The places of the first blocks."""
    numbers = set(islice(sorted({place.block for place in places}), blocks))
    return {place for place in places if place.block in numbers}


def _withheld_now(row: WithholdingRow) -> set[Place]:
    return _own(row, row.set_of("places"))


def _own(row: WithholdingRow, places: set[Place]) -> set[Place]:
    """Those of the places that the withholding really has."""
    own = (raw_bytes(row.withholding_id), domain.WITHHELD_UNTIL)
    seen = repository.look_at(domain.by_block(places))
    return {place for place in places if seen[place.pool_id, place.block].get(place.slot) == own}


def _tell(sale: Sale, places: set[Place], until: int, now: datetime) -> None:
    told = [Told(block, dict.fromkeys(slots, until), exact=True) for block, slots in domain.by_block(places).items()]
    hints.tell(sale, told, now, freed=until == 0)


def _view(row: WithholdingRow, sale: Sale) -> WithholdingView:
    layout, withheld, missed = sale.layouts[row.pool_id], _withheld_now(row), row.set_of("missed")
    return WithholdingView(
        withholding_id=row.withholding_id,
        event_id=row.event_id,
        pool_id=row.pool_id,
        name=row.name,
        places=len(withheld),
        seats=_seats(layout, withheld),
        missed=len(missed) + int(row.missed_count or 0),
        missed_seats=_seats(layout, missed),
        complete=row.is_complete(),
        version=row.version,
        created_at=row.created_at,
    )


def _seats(layout: Layout, places: set[Place]) -> list[SeatsView]:
    """Seats as runs of neighbours."""
    runs: list[SeatsView] = []
    for place in sorted(places):
        seat = layout.seat(place.block, place.slot)
        if seat is None:
            continue
        last = runs[-1] if runs else None
        if last and (last.section, last.row, last.last + 1) == (seat.section, seat.row, seat.number):
            runs[-1] = msgspec.structs.replace(last, last=seat.number)
        else:
            runs.append(SeatsView(section=seat.section, row=seat.row, first=seat.number, last=seat.number))
    return runs


def _seat(seat: domain.Seat) -> dict[str, str]:
    return {"section": seat.section, "row": seat.row, "seat": str(seat.number)}
