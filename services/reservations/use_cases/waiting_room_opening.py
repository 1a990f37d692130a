"""The opening of a waiting room: whoever comes first after its time draws the seed."""

from __future__ import annotations

import os
from datetime import datetime

from services.reservations.domain.waiting_room import SEED_BYTES, Draw
from services.reservations.repository import waiting_room_board as board
from services.reservations.repository import waiting_rooms


def open_room(event_id: str, now: datetime) -> Draw:
    """Draw the seed unless it was drawn; answers what holds, whoever drew it.

    Serials of before end first: no seed is known to anybody while they are given out. Raises NotToBeDrawn when the
    opening lies ahead, CacheDown.
    """
    known = waiting_rooms.draw_of(event_id, now)
    if known is not None:
        return known
    given = board.close_before(event_id)
    try:
        drawn = waiting_rooms.draw(event_id, os.urandom(SEED_BYTES), given, now)
    except waiting_rooms.NotToBeDrawn:
        board.open_before(event_id)
        raise
    assert drawn.draw is not None
    return drawn.draw
