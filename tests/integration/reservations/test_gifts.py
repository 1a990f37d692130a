"""What the house gives away, to whom, from what it keeps back; and seats by zone and for wheelchairs."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.catalog import EventPublished, SeatRun, TicketType
from contracts.hold import Guest
from contracts.reservations import HoldConfirmed
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.pool_schemas import AddWithholding, SeatsNamed
from services.reservations.schemas import GuestNamed, HoldView, LineAsked, SeatAsked
from shared.ids import new_id
from tests.integration.reservations.box_limits import ME, ask, limited, line, token_of
from tests.integration.reservations.box_office import (
    OPENING,
    general_pool,
    hold,
    paid,
    rows,
    seated_pool,
    ticket_type,
    where,
)
from tests.integration.reservations.test_pools import member

pytestmark = pytest.mark.usefixtures("redis_or_none")


def gives(published: EventPublished, role: str = "box_office") -> dict[str, str]:
    return {published.organiser_id: role}


def give(published: EventPublished, *lines: LineAsked, role: str = "box_office", **more: Any) -> HoldView:
    return use_cases.place_hold(ask(published, *lines, **more), ME, None, OPENING, roles=gives(published, role))


def with_gifts(**limits: Any) -> tuple[EventPublished, TicketType, TicketType]:
    pool = general_pool(60)
    free = ticket_type(pool, "House", access="complimentary")
    paid_for = ticket_type(pool)
    return limited([pool], [free, paid_for], **limits), free, paid_for


def test_only_the_house_gives_tickets_away_and_says_to_whom() -> None:
    published, free, paid_for = with_gifts(places_per_buyer_max=2)
    guest = GuestNamed(name="A Guest", email="guest@example.org")
    held = give(published, line(free, 10), guest=guest)
    assert token_of(held).guest == Guest(name="A Guest", email="guest@example.org")
    # Ten of them count for nobody's limit.
    assert all(place.quotas == () for place in held.places)
    assert len(hold(published, paid_for, 2, person_id=ME).places) == 2
    for roles in (None, gives(published, "scanner"), {new_id("org"): "owner"}):
        with pytest.raises(refusals.MembersOnly) as refused:
            use_cases.place_hold(ask(published, line(free, 1)), ME, None, OPENING, roles=roles)
        assert refused.value.field == "$.lines[0].ticket_type_id"
    with pytest.raises(refusals.GuestNotHere):
        give(published, line(free, 1), line(paid_for, 1), guest=guest)
    with pytest.raises(refusals.GuestNotHere):
        use_cases.place_hold(ask(published, line(paid_for, 1), guest=guest), ME, None, OPENING)


def withheld(published: EventPublished, **asked: Any) -> str:
    body = AddWithholding(pool_id=published.pools[0].pool_id, name="House", **asked)
    made = use_cases.add_withholding(published.event_id, body, None, member(published), OPENING, lambda: 30.0)
    return made.withholding_id


def test_withheld_places_are_given_away_by_naming_the_withholding() -> None:
    published, free, paid_for = with_gifts()
    withholding_id = withheld(published, quantity=30)
    rest = hold(published, paid_for, 30)
    with pytest.raises(refusals.Refusal):
        give(published, line(free, 1))
    held = give(published, line(free, 28), withholding_id=withholding_id)
    assert not where(held) & where(rest)
    with pytest.raises(refusals.TooFewLeft) as refused:
        give(published, line(free, 3), withholding_id=withholding_id)
    assert refused.value.extra["places_left"] == 2
    assert isinstance(use_cases.answer_paid_order(paid(published, held), OPENING), HoldConfirmed)
    assert len(give(published, line(free, 2), withholding_id=withholding_id).places) == 2
    with pytest.raises(refusals.MembersOnly):
        use_cases.place_hold(ask(published, line(paid_for, 1), withholding_id=withholding_id), ME, None, OPENING)
    with pytest.raises(refusals.WithholdingUnknown):
        give(published, line(free, 1), withholding_id=new_id("wth"))
    with pytest.raises(refusals.ReplacesAndWithholding):
        use_cases.place_hold(
            ask(published, line(free, 1), withholding_id=withholding_id),
            ME,
            None,
            OPENING,
            roles=gives(published),
            replaces=token_of(held),
        )


def test_withheld_seats_are_given_away_next_to_each_other_or_by_name() -> None:
    pool = seated_pool(rows("Stalls", "A", 10))
    free = ticket_type(pool, "House", access="complimentary")
    published = limited([pool], [free])
    withholding_id = withheld(
        published,
        seats=(
            SeatsNamed(section="Stalls", row="A", first=1, last=2),
            SeatsNamed(section="Stalls", row="A", first=5, last=7),
        ),
    )
    held = give(published, line(free, 3), withholding_id=withholding_id)
    assert [place.seat for place in held.places] == ["5", "6", "7"]
    with pytest.raises(refusals.TooFewLeft):
        give(published, line(free, 3), withholding_id=withholding_id)
    named = LineAsked(ticket_type_id=free.ticket_type_id, seats=(SeatAsked(section="Stalls", row="A", seat=2),))
    with pytest.raises(refusals.PlacesTaken):
        give(published, named)
    assert [place.seat for place in give(published, named, withholding_id=withholding_id).places] == ["2"]


def hall() -> tuple[EventPublished, TicketType]:
    runs = [
        *rows("Stalls", "A", 8, 8),
        *rows("Circle", "B", 8),
        SeatRun(section="Stalls", row="W", first=1, last=6, zone="A", accessible=True, companions=(2, 4, 6)),
    ]
    pool = seated_pool(runs)
    kind = ticket_type(pool)
    return limited([pool], [kind]), kind


def test_a_zone_narrows_a_line_down() -> None:
    published, kind = hall()
    request = ask(published, line(kind, 3, zone="B"))
    assert {place.section for place in use_cases.place_hold(request, ME, None, OPENING).places} == {"Circle"}
    with pytest.raises(refusals.NotTogether):
        use_cases.place_hold(ask(published, line(kind, 9, zone="A")), ME, None, OPENING)
    with pytest.raises(refusals.ZoneUnknown) as refused:
        use_cases.place_hold(ask(published, line(kind, 1, zone="C")), ME, None, OPENING)
    assert refused.value.field == "$.lines[0].zone"
    floor = general_pool(5)
    standing = ticket_type(floor)
    other = limited([floor], [standing])
    with pytest.raises(refusals.ZoneUnknown):
        use_cases.place_hold(ask(other, line(standing, 1, zone="A")), ME, None, OPENING)


def test_wheelchair_places_have_their_companions_beside_them() -> None:
    published, kind = hall()
    held = use_cases.place_hold(ask(published, line(kind, 2, accessible=1)), ME, None, OPENING)
    assert {place.row for place in held.places} == {"W"}
    first, second = (int(place.seat or 0) for place in held.places)
    assert abs(first - second) == 1
    party = use_cases.place_hold(ask(published, line(kind, 5, accessible=1)), ME, None, OPENING)
    assert [place.row for place in party.places].count("W") == 2
    assert len(where(party)) == 5
    with pytest.raises(refusals.TooFewLeft) as refused:
        use_cases.place_hold(ask(published, line(kind, 2, accessible=2)), ME, None, OPENING)
    assert (refused.value.extra["places_left"], refused.value.field) == (1, "$.lines[0].accessible")
    use_cases.place_hold(ask(published, line(kind, 1, accessible=1)), ME, None, OPENING)
    with pytest.raises(refusals.AllHeld):
        use_cases.place_hold(ask(published, line(kind, 1, accessible=1)), ME, None, OPENING)
    changed = use_cases.place_hold(
        ask(published, line(kind, 3, accessible=1)), ME, None, OPENING, replaces=token_of(party)
    )
    assert [place.row for place in changed.places].count("W") == 2


def test_nobody_is_sent_to_a_bay_or_sits_as_companion_alone() -> None:
    published, kind = hall()
    held = use_cases.place_hold(ask(published, line(kind, 24, together=False)), ME, None, OPENING)
    assert "W" not in {place.row for place in held.places}
    alone = LineAsked(ticket_type_id=kind.ticket_type_id, seats=(SeatAsked(section="Stalls", row="W", seat=2),))
    with pytest.raises(refusals.CompanionAlone):
        use_cases.place_hold(ask(published, alone), ME, None, OPENING)
    both = LineAsked(
        ticket_type_id=kind.ticket_type_id,
        seats=(SeatAsked(section="Stalls", row="W", seat=2), SeatAsked(section="Stalls", row="W", seat=1)),
    )
    assert len(use_cases.place_hold(ask(published, both), ME, None, OPENING).places) == 2
    with pytest.raises(refusals.AccessibleUnknown):
        use_cases.place_hold(ask(published, line(kind, 1, zone="B", accessible=1)), ME, None, OPENING)
    with pytest.raises(refusals.AccessibleUnknown):
        use_cases.place_hold(ask(published, line(kind, 1, accessible=2)), ME, None, OPENING)
