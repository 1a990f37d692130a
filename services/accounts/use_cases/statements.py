"""Months that are closed, and read afterwards: what is invoiced."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime

from services.accounts import repository
from services.accounts.domain.plans import month_before, month_begins, month_of, plan_in
from services.accounts.domain.usage import CLOSES_AFTER, KeyUse, Statement, by_key, statements_csv, total
from shared.http import NotFound
from shared.throttling import plans


def close_month(now: datetime) -> int:
    """Close the month before, once: from two hours after its end on, when its last counts have been carried.

    A statement that is there is left as it is, so a close that stopped half-way goes on, and one that runs twice adds
    nothing. Answers how many statements were made; requests that are carried later are invoiced to nobody.
    """
    month = month_before(month_of(now))
    if now < month_begins(month_of(now)) + CLOSES_AFTER or repository.is_closed(month):
        return 0
    changes = {row.organiser_id: row.changes for row in repository.plans()}
    paying = {organiser_id for organiser_id, each in changes.items() if plan_in(each, month) != "free"}
    using = {row.organiser_id for row in repository.usage_months(month)}
    done = {one.organiser_id for one in repository.statements(month)}
    made = [
        repository.add_statement(
            _statement(organiser_id, month, plan_in(changes.get(organiser_id, {}), month), now), now
        )
        for organiser_id in sorted((paying | using) - done)
    ]
    repository.close(month, now)
    return sum(made)


def _statement(organiser_id: str, month: str, plan: str, now: datetime) -> Statement:
    first = month_begins(month).date()
    last = first.replace(day=monthrange(first.year, first.month)[1])
    names, organiser = repository.api_key_names(organiser_id), repository.organiser(organiser_id)
    days = [by_key(row.counts) for row in repository.usage_days(organiser_id, first, last)]
    sums = {key: total(day[key] for day in days if key in day) for key in sorted({key for day in days for key in day})}
    everything = total(sums.values())
    terms = plans().offered[plan]
    if terms.price is None:
        raise LookupError(f"the plan {plan} has no price")
    return Statement(
        organiser_id=organiser_id,
        organiser_name=organiser.name if organiser is not None else "",
        month=month,
        plan=plan,
        price=terms.price,
        quota=terms.quota,
        answered=everything.answered,
        refused=everything.refused,
        keys=[
            KeyUse(api_key_id=key, name=names.get(key, ""), answered=count.answered, refused=count.refused)
            for key, count in sums.items()
        ],
        closed_at=now,
    )


def statement(organiser_id: str, month: str) -> Statement:
    """The organiser's month. Raises NotFound before it is closed, and for months without requests and price."""
    found = repository.statement(organiser_id, month)
    if found is None:
        raise NotFound(
            "There is no statement of that month: it is not closed yet, or nothing was used and nothing paid."
        )
    return found


def invoices(month: str) -> str | None:
    """Every organiser's statement of a month in one table, as CSV; None before the month is closed."""
    return statements_csv(repository.statements(month)) if repository.is_closed(month) else None
