"""Holds of an event with a waiting room: who needs its Pass, and who is inside already."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from contracts.catalog import EventPublished, TicketType
from contracts.hold import HoldToken
from services.reservations import use_cases
from services.reservations.domain.waiting_room_refusals import PassRequired
from services.reservations.schemas import HoldView
from services.reservations.use_cases.waiting_room_passes import PASS_AUDIENCE, Pass
from shared.auth import sign_token
from tests.integration.reservations.box_limits import ME, YOU, ask, limited, line, token_of
from tests.integration.reservations.box_office import OPENING, general_pool, ticket_type
from tests.integration.reservations.waiting_line import SECOND, room_for

NOW = OPENING + 10 * SECOND


def guarded() -> tuple[EventPublished, TicketType, TicketType]:
    pool = general_pool(20)
    kind, gift = ticket_type(pool), ticket_type(pool, "Gift", access="complimentary")
    published = limited([pool], [kind, gift])
    room_for(published)
    return published, kind, gift


def take(
    published: EventPublished,
    kind: TicketType,
    given: str | None = None,
    *,
    replaces: HoldToken | None = None,
    roles: Mapping[str, str] | None = None,
) -> HoldView:
    request = ask(published, line(kind, 2))
    return use_cases.place_hold(request, ME, None, NOW, replaces=replaces, pass_token=given, roles=roles)


def test_a_hold_needs_the_persons_own_pass_and_a_changed_basket_and_a_gift_do_not() -> None:
    published, kind, gift = guarded()
    until = NOW + 300 * SECOND
    mine = sign_token(PASS_AUDIENCE, Pass(published.event_id, ME), until)
    others = sign_token(PASS_AUDIENCE, Pass(published.event_id, YOU), until)
    for given in (None, others, "nothing"):
        with pytest.raises(PassRequired):
            take(published, kind, given)
    held = take(published, kind, mine)
    assert len(held.places) == 2
    changed = take(published, kind, replaces=token_of(held))
    assert changed.expires_at == held.expires_at
    assert len(take(published, gift, roles={published.organiser_id: "box_office"}).places) == 2
    with pytest.raises(PassRequired):
        take(published, kind, roles={published.organiser_id: "box_office"})
