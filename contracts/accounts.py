"""What accounts publishes."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from contracts.sale import Time
from shared.messaging.message import Message


class OrganiserRegistered(Message, frozen=True, kw_only=True):
    """An organiser exists and may plan events."""

    type_name: ClassVar[str] = "accounts.organiser_registered.v1"

    organiser_id: str
    version: int
    name: str
    registered_at: Time


class QuotaOwner(msgspec.Struct, frozen=True, kw_only=True):
    """An owner of the organiser, who is told."""

    person_id: str
    name: str
    email: str


class QuotaReached(Message, frozen=True, kw_only=True):
    """An organiser's API keys have used up a share of the plan's quota of a month: `share` per cent, 80 or 100.

    `answered` are the requests counted when it was seen, `month` is by UTC's calendar (`2026-11`).
    """

    type_name: ClassVar[str] = "accounts.quota_reached.v1"

    organiser_id: str
    version: int
    organiser_name: str
    month: str
    plan: str
    share: int
    quota: int
    answered: int
    reached_at: Time
    owners: list[QuotaOwner]


MESSAGES: tuple[type[Message], ...] = (OrganiserRegistered, QuotaReached)
