"""Vouchers over the routes: given and generated codes, lists, changes, revocation, and what is announced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import boto3
import pytest

from contracts.catalog import VoucherChanged
from services.catalog import use_cases
from services.catalog.domain.vouchers import CODE_LETTERS, generated_codes
from services.catalog.repository import vouchers as stored
from services.catalog.repository.vouchers import VoucherRow
from services.catalog.voucher_schemas import MakeVouchers
from shared import clock
from shared.data import consumed, plain
from shared.ids import new_id
from tests.property.crashes import Crash, crash_at_write

Send = Callable[..., Any]


@pytest.fixture
def event(send: Send, organiser: Any, house: Any) -> Any:
    """A draft with its ticket types."""
    made = send("POST", "/v1/events", house.event, organiser.owner)
    assert made.status_code == 201, made.body
    return made.json


def path(event: Any) -> str:
    return f"/v1/events/{event['event_id']}/vouchers"


def announced(voucher_id: str) -> VoucherChanged | None:
    """The message that the voucher's row announces now."""
    key = {"pk": {"S": f"voucher#{voucher_id}"}, "sk": {"S": "voucher"}}
    item = boto3.client("dynamodb").get_item(TableName=VoucherRow.table_name(), Key=key).get("Item")
    if item is None:
        return None
    image = plain.from_item(item)
    assert image["outbox"] == {
        "version": image["version"],
        "types": [VoucherChanged.type_name],
        "trace": image["outbox"]["trace"],
    }
    return use_cases.voucher_message(image)


def test_a_voucher_is_made_changed_and_revoked_and_each_is_announced(send: Send, organiser: Any, event: Any) -> None:
    type_id = event["ticket_types"][0]["ticket_type_id"]
    body = {"code": "spring-26", "uses_max": 50, "ticket_type_ids": [type_id], "percent_off": 20}
    made = send("POST", path(event), body, organiser.owner)
    assert made.status_code == 201, made.body
    [voucher] = made.json["items"]
    assert (voucher["code"], voucher["version"], voucher["revoked"]) == ("SPRING-26", 1, False)
    message = announced(voucher["voucher_id"])
    assert message is not None
    assert (message.code, message.uses_max, message.percent_off) == ("SPRING-26", 50, 20)
    assert (message.event_id, message.organiser_id) == (event["event_id"], organiser.organiser_id)

    change = {"uses_max": 60, "percent_off": 0, "price": {"amount": 500, "currency": "USD"}}
    one = f"/v1/vouchers/{voucher['voucher_id']}"
    changed = send("PATCH", one, change, organiser.owner, If_Match='"1"')
    assert changed.status_code == 200, changed.body
    assert changed.headers["ETag"] == '"2"'
    assert send("PATCH", one, change, organiser.owner, If_Match='"1"').json == changed.json
    assert send("PATCH", one, {"uses_max": 70}, organiser.owner, If_Match='"1"').status_code == 412
    assert send("PATCH", one, {"uses_max": 70}, organiser.owner).status_code == 428
    message = announced(voucher["voucher_id"])
    assert message is not None
    assert (message.version, message.price, message.uses_max) == (2, message.price, 60)
    assert message.price is not None
    assert message.price.amount == 500

    for _ in range(2):
        assert send("DELETE", one, by=organiser.owner).status_code == 204
    message = announced(voucher["voucher_id"])
    assert message is not None
    assert (message.version, message.revoked) == (3, True)
    refused = send("PATCH", one, {"uses_max": 90}, organiser.owner, If_Match='"3"')
    assert (refused.status_code, refused.json["type"]) == (409, "urn:stagedoor:problem:voucher-revoked")
    # A code means one thing for ever.
    again = send("POST", path(event), {"code": "SPRING-26"}, organiser.owner)
    assert (again.status_code, again.json["type"]) == (409, "urn:stagedoor:problem:voucher-code-used")


def test_uses_are_added_and_not_taken_away(send: Send, organiser: Any, event: Any) -> None:
    [voucher] = send("POST", path(event), {"code": "FEWER", "uses_max": 5}, organiser.owner).json["items"]
    fewer = send("PATCH", f"/v1/vouchers/{voucher['voucher_id']}", {"uses_max": 4}, organiser.owner, If_Match='"1"')
    assert (fewer.status_code, fewer.json["field"]) == (422, "$.uses_max")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "$.code"),
        ({"code": "BOTH", "count": 2}, "$.count"),
        ({"code": "AB"}, "$.code"),
        ({"code": "WITH BLANK"}, "$.code"),
        ({"code": "ENDS\n"}, "$.code"),
        ({"count": 501}, "$.count"),
        ({"count": 0}, "$.count"),
        ({"code": "GOOD", "uses_max": 0}, "$.uses_max"),
        ({"code": "GOOD", "percent_off": 101}, "$.percent_off"),
        ({"code": "GOOD", "price": {"amount": 100, "currency": "EUR"}}, "$.price.currency"),
        ({"code": "GOOD", "price": {"amount": -1, "currency": "USD"}}, "$.price.amount"),
        ({"code": "GOOD", "percent_off": 5, "price": {"amount": 1, "currency": "USD"}}, "$.price"),
        ({"code": "GOOD", "ticket_type_ids": [new_id("tty")]}, "$.ticket_type_ids[0]"),
        (
            {"code": "GOOD", "valid_from": "2030-02-01T00:00:00Z", "valid_until": "2030-01-01T00:00:00Z"},
            "$.valid_until",
        ),
    ],
)
def test_what_cannot_be_is_named(send: Send, organiser: Any, event: Any, body: Any, field: str) -> None:
    refused = send("POST", path(event), body, organiser.owner)
    assert (refused.status_code, refused.json["field"]) == (422, field)
    assert send("GET", path(event), by=organiser.owner).json["items"] == []


def test_a_batch_of_500_in_twenty_writes_and_on_pages(send: Send, organiser: Any, event: Any) -> None:
    with consumed() as meter:
        made = send("POST", path(event), {"count": 500}, organiser.owner)
    assert made.status_code == 201, made.body
    codes = [voucher["code"] for voucher in made.json["items"]]
    assert len(set(codes)) == 500
    assert all(len(code) == 12 and set(code) <= set(CODE_LETTERS) for code in codes)
    assert meter.requests <= 24
    seen: list[str] = []
    link = f"{path(event)}?limit=100"
    while link:
        page = send("GET", link, by=organiser.owner).json
        seen += [voucher["code"] for voucher in page["items"]]
        link = f"{path(event)}?limit=100&cursor={page['next']}" if page["next"] else ""
    assert seen == sorted(codes)


def test_a_batch_cut_short_is_completed_with_the_same_codes(send: Send, organiser: Any, event: Any) -> None:
    """Which of the many writes the process dies after makes no difference to the codes."""
    operation = new_id("op")
    body = MakeVouchers(count=60)
    with pytest.raises(Crash), crash_at_write(1, done=True):
        use_cases.make_vouchers(event["event_id"], body, organiser.owner, operation, clock.now())
    half = send("GET", path(event), by=organiser.owner).json
    assert len(half["items"]) == 50
    made = use_cases.make_vouchers(event["event_id"], body, organiser.owner, operation, clock.now())
    again = use_cases.make_vouchers(event["event_id"], body, organiser.owner, operation, clock.now())
    assert [one.code for one in made] == [one.code for one in again]
    assert len(stored.events_vouchers(event["event_id"], 200, None).items) == 60
    assert len({one.voucher_id for one in made}) == 60


def test_a_given_code_at_once_from_several_is_one_voucher(send: Send, organiser: Any, event: Any) -> None:
    first = send("POST", path(event), {"code": "TWICE"}, organiser.owner)
    second = send("POST", path(event), {"code": "twice"}, organiser.owner)
    assert first.json == second.json
    other = send("POST", path(event), {"code": "TWICE", "percent_off": 10}, organiser.owner)
    assert other.status_code == 409


def test_vouchers_are_for_those_who_sell(send: Send, organiser: Any, stranger: Any, event: Any) -> None:
    [voucher] = send("POST", path(event), {"code": "OURS"}, organiser.owner).json["items"]
    one = f"/v1/vouchers/{voucher['voucher_id']}"
    for who, expected in ((organiser.scanner, 403), (stranger.owner, 404)):
        assert send("POST", path(event), {"code": "MINE"}, who).status_code == expected
        assert send("GET", path(event), by=who).status_code == expected
        assert send("PATCH", one, {"uses_max": 9}, who, If_Match='"1"').status_code == expected
        assert send("DELETE", one, by=who).status_code == expected
    assert send("GET", path(event)).status_code == 401


def test_codes_do_not_follow_from_one_another() -> None:
    """Whoever has some codes of a batch cannot make the others: without its seed, other codes come out."""
    batch = generated_codes("op_1", 20)
    assert generated_codes("op_1", 20) == batch
    assert not set(batch) & set(generated_codes("op_2", 500))
    with mock.patch("services.catalog.domain.vouchers.CODE_LENGTH", 1):
        # The control: with one letter for a code, everybody guesses.
        assert set(generated_codes("op_3", 30)) == set(CODE_LETTERS)
