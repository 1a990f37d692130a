"""What the services have stored, read past their own code: whole tables, and what changed between two looks."""

from __future__ import annotations

import os
import re
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from typing import Any

from tests.saga.mirror import Mirror

KEPT_IN_TABLES = ("accounts", "catalog", "reservations", "orders", "payments", "tickets", "notifications")
_SLOT = re.compile(r"p\d+")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T.*")

Items = dict[tuple[str, str, str], dict[str, Any]]


def stored(*services: str) -> Items:
    """All items of these services' tables (of all, when none is named), by table and key.

    Left out are records of Idempotency-Keys, which are about requests, and items whose time is over, which DynamoDB
    removes when it likes.
    """
    now = datetime.now(UTC).timestamp()
    return {
        (service, pk, sk): item
        for service in services or KEPT_IN_TABLES
        for (pk, sk), item in _mirror(os.environ[f"{service.upper()}_TABLE_NAME"]).look().items()
        if not pk.startswith("idempotency#") and float(str(item.get("expires_at", now + 1))) > now
    }


@cache
def _mirror(table: str) -> Mirror:
    return Mirror(table)


def effect(before: Items, after: Items) -> Counter[str]:
    """What happened in between, by kind of item: how many came, went, and were changed by how many versions.

    Of blocks, the places taken are counted, whichever block they are in. How far a waiting room has come is written as
    time passes, by whoever asks next, and is no request's doing.
    """
    happened: Counter[str] = Counter()
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        kind = f"{key[0]}:{_kind(key[1])}/{_kind(key[2])}"
        if old == new or kind == "reservations:room/progress":
            continue
        if kind.startswith("reservations:block"):
            happened["places taken"] += len(_taken(new)) - len(_taken(old))
        elif old is None or new is None:
            happened[f"{kind} {'made' if old is None else 'gone'}"] += 1
        else:
            happened[f"{kind} +{int(new.get('version', 0)) - int(old.get('version', 0))}"] += 1
    return happened


def _kind(key: str) -> str:
    # Two requests that do the same at another second write the same kinds of item.
    return _MOMENT.sub("moment", re.split("[#_]", key)[0])


def _taken(block: dict[str, Any] | None) -> set[str]:
    return {name for name in block or {} if _SLOT.fullmatch(name)}
