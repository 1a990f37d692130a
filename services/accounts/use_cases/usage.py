"""What API keys use: carried from Redis into the table, shown, and told of when the quota runs out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from contracts.accounts import QuotaOwner, QuotaReached
from services.accounts import repository
from services.accounts.domain.plans import month_of, plan_in
from services.accounts.domain.usage import (
    DAYS_CARRIED,
    Count,
    Line,
    Owner,
    Reached,
    by_key,
    carried,
    is_news,
    period,
    share_reached,
    total,
)
from shared.auth import Identity
from shared.cache import CacheDown
from shared.data import Page, TransactionRefused, cursors
from shared.http import NotFound, ValidationFailed
from shared.telemetry import log
from shared.throttling import Counts, plans
from shared.throttling.usage import SHARDS

_TRIES_MAX: Final = 4
READERS: Final = ("owner", "manager")


class UsageBusy(Exception):
    """Others carried the same counts at this moment; the next minute finds what is left to carry."""


class Month(NamedTuple):
    """What all keys of an organiser used in a month, and of how much."""

    month: str
    plan: str
    quota: int | None
    used: Count


class Used(NamedTuple):
    """What was used on the days from `first` to `last`, in order of day and key, and in the months these lie in."""

    organiser_id: str
    first: date
    last: date
    lines: list[Line]
    months: list[Month]


def carry_usage(now: datetime) -> int:
    """Carry into the table what Redis has counted since the last time; answers how many organisers' days changed.

    Counts are absolute, so a carry that stops half-way, comes again or runs twice at once counts nothing twice. What
    one organiser's rows refuse does not keep the others waiting. Without Redis there is nothing to carry.
    """
    usage = repository.metered()
    if not usage.configured:
        return 0
    done = 0
    try:
        for day in (now.date() - timedelta(days=back) for back in range(DAYS_CARRIED)):
            # Each minute another shard comes first: what is too much for one run is not always the same organisers'.
            for shard in ((now.minute + number) % SHARDS for number in range(SHARDS)):
                changes = usage.changed(shard, day)
                if changes is None:
                    continue
                for organiser_id, counts in changes.counts.items():
                    try:
                        save_counts(organiser_id, day, changes.life, counts, now)
                    except Exception as error:
                        log("usage_not_carried", level="ERROR", organiser_id=organiser_id, day=str(day), error=error)
                        continue
                    usage.carried(shard, day, changes.life, organiser_id, counts)
                    done += 1
    except CacheDown as error:
        log("usage_not_carried", level="WARNING", error=error)
    return done


def save_counts(organiser_id: str, day: date, life: str, said: Mapping[str, Count | Counts], now: datetime) -> None:
    """Keep what a counter says of its whole life, and announce when it uses up a share of the quota.

    Raises UsageBusy when others kept writing the same rows.
    """
    counts = {key: Count(one.answered, one.refused) for key, one in said.items()}
    for _ in range(_TRIES_MAX):
        row, month = repository.usage_day(organiser_id, day), repository.usage_month(organiser_id, day.isoformat()[:7])
        known = carried(row.counts, life, counts)
        if known == row.counts:
            return
        grown = total(by_key(known).values()) - total(by_key(row.counts).values())
        row.counts = known
        month.answered += grown.answered
        month.refused += grown.refused
        news = _news(organiser_id, month, now)
        if news is not None:
            month.reached = news
        try:
            repository.save_usage(row, month, announces=news is not None, now=now)
        except TransactionRefused:
            continue
        return
    raise UsageBusy(f"the usage of {organiser_id} on {day} is being written by others")


def _news(organiser_id: str, month: repository.UsageMonthRow, now: datetime) -> Reached | None:
    name = plan_in(repository.plan(organiser_id).changes, month.month)
    quota = plans().offered[name].quota
    share = share_reached(month.answered, quota)
    if quota is None or not is_news(share, name, month.reached):
        return None
    organiser = repository.organiser(organiser_id)
    return Reached(
        plan=name,
        share=share,
        quota=quota,
        answered=month.answered,
        at=now,
        organiser_name=organiser.name if organiser is not None else organiser_id,
        owners=[
            Owner(person_id=one.person_id, name=one.name, email=one.email)
            for one in repository.members_with_role(organiser_id, "owner")
        ],
    )


def quota_message(image: Mapping[str, Any]) -> QuotaReached:
    """The message an organiser's month announces."""
    reached = msgspec.convert(image["reached"], Reached)
    return QuotaReached(
        organiser_id=image["organiser_id"],
        version=int(image["outbox"]["version"]),
        organiser_name=reached.organiser_name,
        month=image["month"],
        plan=reached.plan,
        share=reached.share,
        quota=reached.quota,
        answered=reached.answered,
        reached_at=reached.at,
        owners=[QuotaOwner(person_id=one.person_id, name=one.name, email=one.email) for one in reached.owners],
    )


def used(organiser_id: str | None, begins: date | None, ends: date | None, identity: Identity, now: datetime) -> Used:
    """What an organiser's keys used: to owners and managers each key's, to a program its own key's alone.

    The months are those of all keys together. As of the last carry, so up to a minute old.
    Raises PeriodBackwards, NotFound, Forbidden, ValidationFailed for a person who names no organiser.
    """
    own = identity.api_key_id
    if own is not None:
        mine = next(iter(identity.roles), "")
        if organiser_id not in (None, mine):
            raise NotFound()
        organiser_id = mine
    elif organiser_id is None:
        raise ValidationFailed("Say whose usage.", field="organiser_id")
    else:
        identity.require_member(organiser_id, *READERS)
    first, last = period(begins, ends, now.date())
    names = repository.api_key_names(organiser_id)
    lines = [
        Line(day=row.day, api_key_id=key, name=names.get(key, ""), answered=count.answered, refused=count.refused)
        for row in repository.usage_days(organiser_id, first, last)
        for key, count in by_key(row.counts).items()
        if own in (None, key)
    ]
    return Used(organiser_id, first, last, lines, _months(organiser_id, first, last))


def page_of(used_: Used, identity: Identity, limit: int, cursor: str | None) -> Page[Any]:
    """At most `limit` of the lines, after those of the cursor. Raises BadCursor."""
    query = ("usage", used_.organiser_id, used_.first, used_.last, identity.api_key_id)
    lines = used_.lines
    if cursor is not None:
        after = cursors.verify(cursor, query)
        lines = [line for line in lines if (line.day.isoformat(), line.api_key_id) > (after["day"], after["key"])]
    following = None
    if len(lines) > limit:
        last = lines[limit - 1]
        following = cursors.sign({"day": last.day.isoformat(), "key": last.api_key_id}, query)
    return Page(lines[:limit], following)


def _months(organiser_id: str, first: date, last: date) -> list[Month]:
    changes = repository.plan(organiser_id).changes
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    months = []
    for month in dict.fromkeys(day.isoformat()[:7] for day in days):
        name = plan_in(changes, month)
        count = repository.usage_month(organiser_id, month).used
        months.append(Month(month, name, plans().offered[name].quota, count))
    return months


def is_exhausted(organiser_id: str, plan: str, now: datetime) -> bool:
    """Whether the organiser's keys have used up this month's quota of that plan."""
    quota = plans().offered[plan].quota
    return quota is not None and repository.usage_month(organiser_id, month_of(now)).answered >= quota
