"""The waiting room's rows, by partition key:

room#<event id>, room               what the organiser has set
room#<event id>, progress           the serials leased, the draw, and how far the serving is
number#<event id>#<person id>       one person's number, put once
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, NumberAttribute, UnicodeAttribute

from services.reservations.domain.waiting_room import Draw, Number, Room
from services.reservations.repository.rows import TABLE_VARIABLE
from shared.clock import epoch_seconds
from shared.data import BareRow, IntegerAttribute, MomentAttribute, Row

# A number is of no use after its sale, and it names a person.
NUMBER_DAYS: Final = 180


class RoomRow(Row):
    """A waiting room as it is set."""

    class Meta:
        table_variable = TABLE_VARIABLE

    opens_at = MomentAttribute()
    passes_per_second_max = NumberAttribute()
    pass_seconds = IntegerAttribute()
    paused = BooleanAttribute(default=False)
    ended = BooleanAttribute(default=False)
    notice = UnicodeAttribute(null=True)

    def room(self) -> Room:
        """The row as the rules know it."""
        return Room(
            event_id=self.pk.partition("#")[2],
            version=self.version,
            opens_at=self.opens_at,
            passes_per_second_max=float(self.passes_per_second_max),
            pass_seconds=self.pass_seconds,
            paused=bool(self.paused),
            ended=bool(self.ended),
            notice=self.notice,
            changed_at=self.updated_at,
        )


class ProgressRow(BareRow):
    """How far a room is. `before` and `after` count the serials leased of each kind; `seed` and `drawn` come together.

    One item, so that the draw sees every serial that was leased before it, and no lease of before comes after it.
    """

    class Meta:
        table_variable = TABLE_VARIABLE

    before = IntegerAttribute(null=True)
    after = IntegerAttribute(null=True)
    seed = BinaryAttribute(null=True, legacy_encoding=False)
    drawn = IntegerAttribute(null=True)
    serving = IntegerAttribute(null=True)
    rate = NumberAttribute(null=True)

    def draw(self) -> Draw | None:
        """What the opening has drawn, None before it."""
        return None if self.seed is None else Draw(bytes(self.seed), self.drawn or 0)


class NumberRow(BareRow):
    """A person's number at an event."""

    class Meta:
        table_variable = TABLE_VARIABLE

    serial = IntegerAttribute()
    before = BooleanAttribute()
    issued_at = MomentAttribute()

    def number(self) -> Number:
        """The row as the rules know it."""
        _, event_id, person_id = self.pk.split("#", 2)
        return Number(event_id=event_id, person_id=person_id, serial=self.serial, before=bool(self.before))


def room_key(event_id: str) -> tuple[str, str]:
    """Where a room's settings lie."""
    return f"room#{event_id}", "room"


def progress_key(event_id: str) -> tuple[str, str]:
    """Where a room's progress lies."""
    return f"room#{event_id}", "progress"


def number_key(event_id: str, person_id: str) -> tuple[str, str]:
    """Where a person's number lies: a partition of its own."""
    return f"number#{event_id}#{person_id}", "number"


def number_row(number: Number, now: datetime) -> NumberRow:
    """A number that is not yet written."""
    return NumberRow(
        *number_key(number.event_id, number.person_id),
        serial=number.serial,
        before=number.before,
        issued_at=now,
        expires_at=epoch_seconds(now + timedelta(days=NUMBER_DAYS)),
    )
