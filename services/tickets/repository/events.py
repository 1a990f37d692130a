"""Events as tickets know them, and their gates."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from services.tickets.domain import EventFacts, Gate, Listing
from services.tickets.repository.rows import EventRow, GateRow
from shared.cache import Memory
from shared.data import AlreadyExists, ConditionRefused, Page, fetch, insert, query_page, update

# All tickets of an on-sale need the facts of one event. Read for each order, its item would be the one hot key of the
# whole sale: a partition gives 6,000 such reads a second and no more (bench/heat.py).
_KNOWN_SECONDS: Final = 5.0
_known: Memory[EventFacts] = Memory(entries_max=256)


def keep_event(facts: EventFacts, now: datetime) -> bool:
    """Keep an event's facts unless newer ones are there; whether they were kept."""
    try:
        update(
            EventRow,
            facts.event_id,
            "facts",
            actions=[EventRow.facts.set(msgspec.to_builtins(facts)), EventRow.event_version.set(facts.version)],
            condition=EventRow.event_version.does_not_exist() | (EventRow.event_version < facts.version),
            now=now,
        )
    except ConditionRefused:
        return False
    _known.forget(facts.event_id)
    return True


def find_event(event_id: str) -> EventFacts | None:
    """What is known of an event, None while nothing is."""
    row = fetch(EventRow, event_id, "facts", consistent=False)
    return None if row is None else msgspec.convert(row.facts, EventFacts)


def known_event(event_id: str, now: datetime) -> EventFacts | None:
    """The same from this process's memory, where it may be five seconds old; None while nothing is known."""
    facts = _known.get(event_id, now.timestamp())
    if facts is None:
        facts = find_event(event_id)
        if facts is not None:
            _known.put(event_id, facts, now.timestamp() + _KNOWN_SECONDS)
    return facts


def add_gate(gate: Gate, now: datetime) -> Gate:
    """Keep a new gate; one with the same id is left as it is and answered."""
    row = GateRow(gate.gate_id, "gate", gate=gate, listing_pk=f"gates#{gate.event_id}", listing_sk=gate.gate_id)
    try:
        insert(row, now=now)
    except AlreadyExists as refused:
        stored = refused.stored
    else:
        return gate
    assert isinstance(stored, GateRow)
    return stored.gate


def find_gate(gate_id: str) -> Gate | None:
    """One gate, None when there is none."""
    row = fetch(GateRow, gate_id, "gate", consistent=False)
    return None if row is None else row.gate


def gates_of(event_id: str, limit: int, cursor: str | None) -> Listing[Gate]:
    """A page of an event's gates, oldest first, and the cursor of the next. Raises BadCursor."""
    page: Page[GateRow] = query_page(GateRow, f"gates#{event_id}", index="listing", limit=limit, cursor=cursor)
    return Listing([row.gate for row in page.items], page.next)
