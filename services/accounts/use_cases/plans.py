"""What an organiser pays for: what its members ask of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.accounts import repository
from services.accounts.domain.plans import PlanName, changed, month_of
from services.accounts.use_cases.membership import giver_of
from shared.auth import Identity
from shared.data import TransactionRefused
from shared.http import Conflict, Forbidden

_TRIES_MAX: Final = 4


def plan(organiser_id: str) -> repository.PlanRow:
    """The organiser's plans, month by month."""
    return repository.plan(organiser_id)


def change_plan(organiser_id: str, plan_: PlanName, identity: Identity, now: datetime) -> repository.PlanRow:
    """Ask for another plan: a larger one from now on, a smaller one from the next month on.

    The same again changes nothing, and the plan of this month takes back what was asked for the next.
    Raises Forbidden unless an owner asks, Conflict.
    """
    for _ in range(_TRIES_MAX):
        giver, row = giver_of(organiser_id, identity), repository.plan(organiser_id)
        if giver.role != "owner":
            raise Forbidden("Only owners change the plan.")
        changes = changed(row.changes, month_of(now), plan_)
        if changes == row.changes:
            return row
        row.changes = changes
        try:
            repository.save_plan(row, giver, now)
        except TransactionRefused:
            continue
        return row
    raise Conflict("The plan is being changed by others at this moment.")
