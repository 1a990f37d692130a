"""Knowing organisers."""

from __future__ import annotations

from datetime import datetime

from contracts.accounts import OrganiserRegistered
from services.catalog import repository


def keep_organiser(message: OrganiserRegistered, now: datetime) -> bool:
    """Keep an organiser's name, which events carry; whether it was news. Older and repeated messages change nothing."""
    return repository.keep_organiser(message.organiser_id, message.name, message.version, now)
