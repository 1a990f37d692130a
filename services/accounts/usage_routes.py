"""Plans, usage and statements over HTTP."""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

from services.accounts import repository
from services.accounts.domain import usage as domain
from services.accounts.domain.plans import PLAN_NAMES, PlanName, month_of, plan_in, planned
from services.accounts.usage_schemas import (
    ChangePlan,
    KeyUseView,
    MonthUsageView,
    PlanView,
    StatementView,
    TermsView,
    UsageLineView,
    UsageQuery,
    UsageView,
)
from services.accounts.use_cases import plans as plan_cases
from services.accounts.use_cases import statements, usage
from shared.http import (
    SIGNED_IN,
    Answer,
    Call,
    Conflict,
    Forbidden,
    NotFound,
    Routes,
    asks_for_csv,
    member,
    page_answer,
)
from shared.throttling import plans

_readers: Final = member(*usage.READERS)

routes = Routes()


@routes.route(
    "/v1/organisers/{organiser_id}/plan",
    answers=PlanView,
    access=_readers,
    summary="Its plan",
)
def show_plan(call: Call) -> Any:
    """What the organiser pays for, this month and the next, and what else there is."""
    return _plan_view(plan_cases.plan(call.path["organiser_id"]), call)


@routes.route(
    "/v1/organisers/{organiser_id}/plan",
    methods=["PUT"],
    body=ChangePlan,
    answers=PlanView,
    access=member("owner"),
    summary="Change the plan",
    errors=(Conflict,),
)
def change_plan(call: Call) -> Any:
    """Changes the plan: a larger one takes effect at once, a smaller one with the next month. Harmless when repeated.

    Tokens that are out keep the rate of the plan before until their ten minutes are over.
    """
    return _plan_view(plan_cases.change_plan(call.path["organiser_id"], call.body.plan, call.person, call.now), call)


@routes.route(
    "/v1/usage",
    query=UsageQuery,
    answers=UsageView,
    access=SIGNED_IN,
    needs_scope=False,
    summary="Usage of API keys",
    media_types=("text/csv",),
    errors=(domain.PeriodBackwards, NotFound, Forbidden),
)
def show_usage(call: Call) -> Any:
    """Requests by key and day, with the month's quota; as a table of all pages with `Accept: text/csv`.

    A program sees its own key's, whatever its scopes are; owners and managers see the organiser's. About a minute old.
    """
    query = call.query
    used = usage.used(query.organiser_id, query.begins, query.ends, call.person, call.now)
    if asks_for_csv(call.headers.get("accept", "")):
        headers = {
            "Content-Type": "text/csv; charset=utf-8; header=present",
            "Content-Disposition": 'attachment; filename="usage.csv"',
            "Vary": "Accept",
        }
        return Answer(domain.lines_csv(used.lines), headers=headers)
    page = usage.page_of(used, call.person, query.limit, query.cursor)
    answer = page_answer(page, lambda line: UsageLineView(**msgspec.structs.asdict(line)), "/v1/usage", query)
    sums = domain.total(domain.Count(line.answered, line.refused) for line in used.lines)
    answer.headers["Vary"] = "Accept"
    answer.body = UsageView(
        organiser_id=used.organiser_id,
        begins=used.first,
        ends=used.last,
        answered=sums.answered,
        refused=sums.refused,
        months=[_month_view(month) for month in used.months],
        items=answer.body.items,
        next=answer.body.next,
    )
    return answer


@routes.route(
    "/v1/organisers/{organiser_id}/statements/{month}",
    answers=StatementView,
    access=_readers,
    summary="Its statement of a month",
)
def show_statement(call: Call) -> Any:
    """A closed month (`2026-11`), as it is invoiced: from two hours after its end on, by UTC."""
    made = statements.statement(call.path["organiser_id"], call.path["month"])
    facts = msgspec.structs.asdict(made)
    facts["keys"] = [KeyUseView(**msgspec.structs.asdict(one)) for one in made.keys]
    return StatementView(**facts)


def _plan_view(row: repository.PlanRow, call: Call) -> PlanView:
    month = month_of(call.now)
    following = planned(row.changes, month)
    return PlanView(
        **_terms(plan_in(row.changes, month)),
        organiser_id=row.organiser_id,
        month=month,
        next_plan=following[0] if following is not None else None,
        next_month=following[1] if following is not None else None,
        offered=[TermsView(**_terms(name)) for name in PLAN_NAMES],
    )


def _terms(name: PlanName) -> dict[str, Any]:
    plan = plans().offered[name]
    return {"plan": name, "price": plan.price, "quota": plan.quota, "rate": plan.rate, "burst": plan.burst}


def _month_view(month: usage.Month) -> MonthUsageView:
    quota, count = month.quota, month.used
    return MonthUsageView(
        month=month.month,
        plan=cast(PlanName, month.plan),
        quota=quota,
        answered=count.answered,
        refused=count.refused,
        # Never rounded up: 100 is said when the quota is used up, and not before.
        used_percent=None if quota is None else count.answered * 1000 // quota / 10,
    )
