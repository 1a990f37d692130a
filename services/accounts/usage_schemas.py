"""What accounts reads and writes about plans, usage and statements."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec

from contracts.sale import Time
from services.accounts.domain.plans import PlanName
from shared.http import PageQuery, RequestBody
from shared.money import Money

OrganiserId = Annotated[str, msgspec.Meta(pattern=r"^org_[0-9a-z]{26}$", description="an organiser's id")]


class ChangePlan(RequestBody, frozen=True):
    """The plan to have."""

    plan: PlanName


class TermsView(msgspec.Struct, kw_only=True):
    """A plan: what a calendar month of it costs, the requests in that, and how fast they may come.

    `rate` is a second and for each key, `burst` what may come at once after a rest, `quota` is for all keys together
    (null: no end).
    """

    plan: PlanName
    price: Money
    quota: int | None
    rate: float
    burst: int


class PlanView(TermsView, kw_only=True):
    """The organiser's plan of this month. `next_plan` takes its place when `next_month` begins; null: it stays."""

    organiser_id: str
    month: str
    next_plan: PlanName | None
    next_month: str | None
    offered: list[TermsView]


class UsageQuery(PageQuery, frozen=True):
    """Whose usage, and of which days of UTC, both included: of this month until today where nothing is said.

    People name the organiser; a program's is its key's.
    """

    organiser_id: OrganiserId | None = None
    begins: date | None = msgspec.field(default=None, name="from")
    ends: date | None = msgspec.field(default=None, name="to")


class UsageLineView(msgspec.Struct, kw_only=True):
    """What one key used on one day: requests answered, whatever the answer, and refused for being too many (429)."""

    day: date
    api_key_id: str
    name: str
    answered: int
    refused: int


class MonthUsageView(msgspec.Struct, kw_only=True):
    """What all keys of the organiser used in a month, refused requests apart; these count towards no quota.

    `used_percent` is the share of the quota, null without one.
    """

    month: str
    plan: PlanName
    quota: int | None
    answered: int
    refused: int
    used_percent: float | None


class UsageView(msgspec.Struct, kw_only=True):
    """Usage by key and day, a page of it. `answered` and `refused` are the sums of all pages."""

    organiser_id: str
    begins: date = msgspec.field(name="from")
    ends: date = msgspec.field(name="to")
    answered: int
    refused: int
    months: list[MonthUsageView]
    items: list[UsageLineView]
    next: str | None = None


class KeyUseView(msgspec.Struct, kw_only=True):
    """What one key used in the month."""

    api_key_id: str
    name: str
    answered: int
    refused: int


class StatementView(msgspec.Struct, kw_only=True):
    """A closed month, as it is invoiced. It does not change any more."""

    organiser_id: str
    organiser_name: str
    month: str
    plan: PlanName
    price: Money
    quota: int | None
    answered: int
    refused: int
    keys: list[KeyUseView]
    closed_at: Time
