"""What reservations publishes: its answers to a paid order, what it offers to those who wait, and what is left."""

from __future__ import annotations

from typing import ClassVar, Literal

from contracts.sale import Buyer, Money, PlaceSold, Time
from shared.messaging.message import Message

# What is left of an event for everybody, in one word. What is only in baskets is not sold out.
Left = Literal["available", "few-left", "sold-out", "not-on-sale"]


class HoldConfirmed(Message, frozen=True, kw_only=True):
    """The places are the buyer's for good.

    They may differ from the places of the order: for general admission any free place of the pool takes the part of one
    that was lost.
    """

    type_name: ClassVar[str] = "reservations.hold_confirmed.v1"

    hold_id: str
    order_id: str
    event_id: str
    organiser_id: str
    buyer: Buyer
    places: tuple[PlaceSold, ...]
    total: Money
    payment_id: str
    confirmed_at: Time


class HoldRefused(Message, frozen=True, kw_only=True):
    """The hold had run out, somebody else has the places, and no other will do. The money must go back."""

    type_name: ClassVar[str] = "reservations.hold_refused.v1"

    hold_id: str
    order_id: str
    event_id: str
    organiser_id: str
    reason: str
    refused_at: Time


class PlacesOffered(Message, frozen=True, kw_only=True):
    """Places came free and are kept for somebody of a waiting list until `expires_at`.

    They are bought like any places that are held: the person finds the hold's token with the entry of the list.
    """

    type_name: ClassVar[str] = "reservations.places_offered.v1"

    entry_id: str
    version: int
    hold_id: str
    event_id: str
    event_name: str
    organiser_id: str
    time_zone: str
    buyer: Buyer
    ticket_type_name: str
    places: tuple[PlaceSold, ...]
    total: Money
    offered_at: Time
    expires_at: Time


class PoolChanged(Message, frozen=True, kw_only=True):
    """An organiser made a pool larger or smaller while it was on sale, or closed or opened it.

    From the first of these messages on, `capacity` counts, not what `catalog.event_published` says of the pool.
    """

    type_name: ClassVar[str] = "reservations.pool_changed.v1"

    pool_id: str
    version: int
    event_id: str
    organiser_id: str
    kind: Literal["general", "seated"]
    capacity: int
    closed: bool
    changed_at: Time


class AvailabilityChanged(Message, frozen=True, kw_only=True):
    """What is left of an event for everybody is said by another word than before.

    An event of which none of these messages ever spoke is available. `counted_at` is when its places were counted: what
    was written before then is in it.
    """

    type_name: ClassVar[str] = "reservations.availability_changed.v1"

    event_id: str
    version: int
    organiser_id: str
    availability: Left
    counted_at: Time


MESSAGES: tuple[type[Message], ...] = (HoldConfirmed, HoldRefused, PlacesOffered, PoolChanged, AvailabilityChanged)
