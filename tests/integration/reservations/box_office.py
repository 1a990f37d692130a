"""A small box office to test against: events with pools of every kind, buyers, and the messages of their orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from contracts.catalog import EventPublished, Pool, SeatRun, TicketType, Venue
from contracts.orders import OrderCancelled, OrderPaid, OrderRefunded
from contracts.sale import Buyer, Money, PlaceSold
from services.reservations import use_cases
from services.reservations.schemas import HoldView, LineAsked, PlaceHold
from shared.ids import new_id, same_body

# On a whole second, because holds are kept by the second.
OPENING = datetime(2031, 5, 1, 10, 0, 0, tzinfo=UTC)
PRICE = Money(4500, "USD")


def general_pool(capacity: int) -> Pool:
    """A pool of general places."""
    return Pool(pool_id=new_id("pol"), kind="general", name="Standing", capacity=capacity)


def seated_pool(runs: Sequence[SeatRun]) -> Pool:
    """A pool of seats."""
    capacity = sum(run.last - run.first + 1 for run in runs)
    return Pool(pool_id=new_id("pol"), kind="seated", name="Hall", capacity=capacity, runs=tuple(runs))


def rows(section: str, zone: str, *lengths: int) -> list[SeatRun]:
    """Rows A, B, C… of a section, each so many seats long."""
    return [
        SeatRun(section=section, row=chr(65 + n), first=1, last=length, zone=zone) for n, length in enumerate(lengths)
    ]


def ticket_type(pool: Pool, name: str = "Full price", zone: str | None = None, **options: object) -> TicketType:
    """A ticket type that draws on a pool."""
    return TicketType(
        ticket_type_id=new_id("tty"),
        name=name,
        price=PRICE,
        pool_id=pool.pool_id,
        zone=zone,
        **options,  # type: ignore[arg-type]
    )


def event(pools: Sequence[Pool], ticket_types: Sequence[TicketType], *, hold_seconds: int = 600) -> EventPublished:
    """A published event."""
    return EventPublished(
        event_id=new_id("evt"),
        version=1,
        organiser_id=new_id("org"),
        organiser_name="The Orchestra",
        name="An Evening",
        starts_at=OPENING + timedelta(days=30),
        time_zone="America/New_York",
        venue=Venue(venue_id=new_id("ven"), name="The Hall", city="New York"),
        currency="USD",
        hold_seconds=hold_seconds,
        places_per_order_max=200,
        pools=tuple(pools),
        ticket_types=tuple(ticket_types),
    )


def on_sale(capacity: int, *, hold_seconds: int = 600) -> tuple[EventPublished, TicketType]:
    """An event with one general pool, on sale."""
    pool = general_pool(capacity)
    kind = ticket_type(pool)
    published = event([pool], [kind], hold_seconds=hold_seconds)
    use_cases.put_on_sale(published, OPENING)
    return published, kind


def hall_on_sale(runs: Sequence[SeatRun], *, hold_seconds: int = 600) -> tuple[EventPublished, dict[str, TicketType]]:
    """An event with one seated pool and a ticket type for each zone, on sale."""
    pool = seated_pool(runs)
    kinds = {zone: ticket_type(pool, f"Zone {zone}", zone) for zone in dict.fromkeys(run.zone for run in runs)}
    published = event([pool], list(kinds.values()), hold_seconds=hold_seconds)
    use_cases.put_on_sale(published, OPENING)
    return published, kinds


def basket(published: EventPublished, *lines: LineAsked) -> PlaceHold:
    """A request for a hold."""
    return PlaceHold(event_id=published.event_id, lines=lines)


def hold(
    published: EventPublished, kind: TicketType, quantity: int, now: datetime = OPENING, person_id: str | None = None
) -> HoldView:
    """So many places for somebody."""
    line = LineAsked(ticket_type_id=kind.ticket_type_id, quantity=quantity)
    return use_cases.place_hold(basket(published, line), person_id or new_id("per"), None, now)


def paid(published: EventPublished, held: HoldView, *, version: int = 2) -> OrderPaid:
    """The message of a paid order for a hold."""
    return OrderPaid(
        order_id=same_body("ord", held.hold_id),
        version=version,
        hold_id=held.hold_id,
        event_id=published.event_id,
        organiser_id=published.organiser_id,
        buyer=Buyer(person_id=new_id("per"), email="fan@example.org", name="A Fan"),
        places=held.places,
        total=held.total,
        payment_id=new_id("pay"),
        paid_at=OPENING,
    )


def cancelled(order: OrderPaid) -> OrderCancelled:
    """The message that the order was given up."""
    return OrderCancelled(
        order_id=order.order_id,
        version=2,
        hold_id=order.hold_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        places=order.places,
        cancelled_at=OPENING,
    )


def refunded(order: OrderPaid, places: Sequence[PlaceSold], *, was_confirmed: bool) -> OrderRefunded:
    """The message that the money is back."""
    return OrderRefunded(
        order_id=order.order_id,
        version=5,
        hold_id=order.hold_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        buyer=order.buyer,
        places=tuple(places),
        amount=order.total,
        reason="asked for",
        refunded_at=OPENING,
        was_confirmed=was_confirmed,
    )


def where(held: HoldView | OrderPaid) -> set[tuple[str, int, int]]:
    """The places, to compare."""
    return {(place.pool_id, place.block, place.slot) for place in held.places}
