"""What accounts publishes."""

from __future__ import annotations

from typing import ClassVar

from contracts.sale import Time
from shared.messaging.message import Message


class OrganiserRegistered(Message, frozen=True, kw_only=True):
    """An organiser exists and may plan events."""

    type_name: ClassVar[str] = "accounts.organiser_registered.v1"

    organiser_id: str
    version: int
    name: str
    registered_at: Time


MESSAGES: tuple[type[Message], ...] = (OrganiserRegistered,)
