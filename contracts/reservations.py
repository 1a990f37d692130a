"""What reservations publishes: its answers to a paid order."""

from __future__ import annotations

from typing import ClassVar

from contracts.sale import Buyer, Money, PlaceSold, Time
from shared.messaging.message import Message


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


MESSAGES: tuple[type[Message], ...] = (HoldConfirmed, HoldRefused)
