"""From the counter to the mail: an organiser's owners hear once of each share, whatever is sent again."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from runtime.resending import republish_service
from services.accounts.domain.usage import Count
from services.accounts.use_cases import usage
from services.notifications import post
from shared.throttling import plans
from tests.saga.mill import Mill, Parcel
from tests.saga.tenants import Town

NAME = "accounts.quota_reached.v1"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def arrived(mill: Mill) -> list[Parcel]:
    """Delivers what was said of quotas since the last time."""
    parcels = [one for one in mill.collect() if one.type_name == NAME]
    assert all(mill.deliver(one) for one in parcels)
    return parcels


def test_the_owners_hear_of_each_share_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = town.tenant("Counted Concerts", roles=("manager",))
    owner, mill = tenant.people["owner"].identity.email, town.mill
    chosen = plans()
    free = msgspec.structs.replace(chosen.plans.free, quota=10)
    chosen = msgspec.structs.replace(chosen, plans=msgspec.structs.replace(chosen.plans, free=free))
    monkeypatch.setattr(usage, "plans", lambda: chosen)
    sent: list[str] = []

    def take(raw: bytes, sender: str, address: str) -> str:
        sent.append(address)
        return "reference"

    monkeypatch.setattr(post, "send", take)
    mill.collect()
    for answered, mails in ((7, 0), (8, 1), (9, 1), (12, 2), (13, 2)):
        usage.save_counts(tenant.organiser_id, NOW.date(), "life", {"key_a": Count(answered)}, NOW)
        parcels = arrived(mill)
        assert {one.consumer for one in parcels} <= {"notifications"}
        assert all(mill.deliver(one) for one in parcels), "and once more"
        assert sent == [owner] * mails
    assert republish_service("accounts", lambda line: None, [tenant.organiser_id])
    assert len(arrived(mill)) >= 1
    assert sent.count(owner) == 2
