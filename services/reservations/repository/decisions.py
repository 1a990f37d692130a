"""Decisions: answers to a paid order that a later message must not find changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from contracts.sale import PlaceSold
from services.reservations.repository.rows import DecisionRow, decision_key
from shared.data import AlreadyExists, insert

CONFIRMED: Final = "confirmed"
REFUSED: Final = "refused"


def decision(hold_id: str, outcome: str, *, places: Sequence[PlaceSold] = (), reason: str | None = None) -> DecisionRow:
    """A decision that is not yet written: CONFIRMED with its places, or REFUSED with the reason."""
    return DecisionRow(*decision_key(hold_id), outcome=outcome, places=list(places), reason=reason)


def pin(row: DecisionRow, now: datetime) -> DecisionRow:
    """Write a decision unless there is one; the one that holds is answered."""
    try:
        insert(row, now=now)
    except AlreadyExists as exists:
        stored = exists.stored
        assert isinstance(stored, DecisionRow)
        return stored
    return row
