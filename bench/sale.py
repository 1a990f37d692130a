"""Events on sale, and the people who come for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec

from bench.connection import post
from bench.world import World, room
from contracts.catalog import EventPublished, Pool, SeatRun, TicketType, Venue
from contracts.sale import Buyer
from shared import clock
from shared.auth import Identity, issue_access_token
from shared.ids import new_id
from shared.money import Money

Kind = Literal["general", "seated"]
_ROW_SEATS: Final = 40
_ROWS: Final = 25
_TOKEN_SECONDS: Final = 3600


class OnSale(msgspec.Struct, frozen=True, kw_only=True):
    """An event with one pool and one ticket type."""

    kind: Kind
    event_id: str
    pool_id: str
    ticket_type_id: str
    capacity: int


def put_on_sale(kind: Kind, capacity: int) -> OnSale:
    """A new event with so many places, as if catalog's message about it had just come in."""
    made = OnSale(
        kind=kind,
        event_id=new_id("evt"),
        pool_id=new_id("pol"),
        ticket_type_id=new_id("tty"),
        capacity=capacity,
    )
    room("reservations", "use_cases").put_on_sale(publication(made), clock.now())
    return made


def publication(event: OnSale) -> EventPublished:
    """What catalog says of such an event."""
    seated = event.kind == "seated"
    return EventPublished(
        event_id=event.event_id,
        version=1,
        organiser_id=new_id("org"),
        organiser_name="Riverside Opera",
        name="Opening night",
        starts_at=clock.now() + timedelta(days=90),
        time_zone="Europe/Berlin",
        venue=Venue(venue_id=new_id("ven"), name="Riverside Opera House", city="Berlin"),
        currency="EUR",
        hold_seconds=1800,
        places_per_order_max=10,
        pools=(
            Pool(
                pool_id=event.pool_id,
                kind=event.kind,
                name="House",
                capacity=event.capacity,
                runs=_rows(event.capacity) if seated else (),
            ),
        ),
        ticket_types=(
            TicketType(
                ticket_type_id=event.ticket_type_id,
                name="Full price",
                price=Money(4500, "EUR"),
                pool_id=event.pool_id,
                zone="A" if seated else None,
            ),
        ),
    )


def _rows(capacity: int) -> tuple[SeatRun, ...]:
    """Rows of forty seats, twenty-five of them a section."""
    runs = []
    for number, first in enumerate(range(0, capacity, _ROW_SEATS)):
        section, row = divmod(number, _ROWS)
        seats = min(_ROW_SEATS, capacity - first)
        runs.append(SeatRun(section=f"Section {section + 1}", row=str(row + 1), first=1, last=seats, zone="A"))
    return tuple(runs)


def people(number: int) -> list[Buyer]:
    """So many people."""
    return [
        Buyer(person_id=new_id("per"), email=f"buyer{place}@stagedoor.example", name=f"Buyer {place}")
        for place in range(number)
    ]


def hold_body(event: OnSale, quantity: int) -> dict[str, Any]:
    """The body of a hold: so many places next to each other."""
    lines = [{"ticket_type_id": event.ticket_type_id, "quantity": quantity}]
    return {"event_id": event.event_id, "lines": lines}


class Shopper:
    """A signed-in buyer who has the request for the hold in hand. Everyone comes once, with a token nobody has seen."""

    __slots__ = ("_headers", "_port", "hold_request")

    def __init__(self, world: World, event: OnSale, buyer: Buyer, quantity: int) -> None:
        identity = Identity(person_id=buyer.person_id, email=buyer.email, name=buyer.name, session_id=new_id("ses"))
        issued = issue_access_token(identity, now=clock.now(), secrets=world.signing_secrets, seconds=_TOKEN_SECONDS)
        self._port = world.port
        self._headers = {
            "Authorization": f"Bearer {issued.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": new_id("msg"),
        }
        body = msgspec.json.encode(hold_body(event, quantity))
        self.hold_request = post(world.port, "/v1/holds", self._headers, body)

    def order_request(self, hold_token: str) -> bytes:
        """The request for the order of a hold."""
        return post(self._port, "/v1/orders", self._headers, msgspec.json.encode({"hold_token": hold_token}))

    def payment_request(self, order_token: str) -> bytes:
        """The request for the checkout of an order."""
        return post(self._port, "/v1/payments", self._headers, msgspec.json.encode({"order_token": order_token}))


def shoppers(world: World, event: OnSale, number: int, quantity: int) -> Sequence[Shopper]:
    """So many of them, each another person."""
    return [Shopper(world, event, buyer, quantity) for buyer in people(number)]
