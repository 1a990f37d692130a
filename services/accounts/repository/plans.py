"""Which plan each organiser has: one row for each that ever had another than the free one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pynamodb.attributes import UnicodeAttribute

from services.accounts.repository.organisers import MemberRow
from shared.data import Check, Insert, Replace, Row, ShapeAttribute, fetch, query_all, transact


class PlanRow(Row):
    """The months in which an organiser's plan changed, and what to."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    organiser_id = UnicodeAttribute()
    changes: ShapeAttribute[dict[str, str]] = ShapeAttribute(dict[str, str])


def plan(organiser_id: str) -> PlanRow:
    """The organiser's row as the table has it now, or one without changes that is not written yet."""
    row = fetch(PlanRow, *_key(organiser_id))
    return row or PlanRow(*_key(organiser_id), organiser_id=organiser_id, changes={})


def save_plan(row: PlanRow, giver: MemberRow, now: datetime) -> None:
    """Put a changed row over the version that was read, if the giver still is an owner. Raises TransactionRefused."""
    still = Check(MemberRow, giver.pk, giver.sk, condition=MemberRow.role == giver.role)
    transact(still, Replace(row) if row.version else Insert(row), now=now)


def plans() -> Iterator[PlanRow]:
    """Every organiser's that ever had another plan than the free one."""
    return query_all(PlanRow, "plans", consistent=True)


def _key(organiser_id: str) -> tuple[str, str]:
    return "plans", f"organiser#{organiser_id}"
