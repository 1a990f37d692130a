"""Issuing and revoking: once, whatever comes twice, late or in the wrong order."""

from __future__ import annotations

import hashlib
import threading
from typing import Any

import msgspec
import pytest

from contracts.catalog import EventPublished
from contracts.reservations import HoldConfirmed
from contracts.tickets import TicketsIssued
from services.tickets import domain, repository, use_cases
from services.tickets.domain import Ticket, verify_code
from services.tickets.repository import rows
from shared import ids
from shared.data import consumed, fetch, plain, transport
from shared.messaging.clients import client
from tests.unit.tickets.sample_tickets import AT, confirmed, places, published, refunded


def image_of(order_id: str) -> dict[str, Any]:
    """The order's issue row as a stream brings it."""
    request = {"TableName": rows.IssueRow.table_name(), "Key": {"pk": {"S": order_id}, "sk": {"S": "issue"}}}
    return plain.from_item(transport.send("GetItem", request)["Item"])


def item_bytes(pk: str, sk: str) -> int:
    request = {"TableName": rows.TicketRow.table_name(), "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}
    return plain.item_bytes(transport.send("GetItem", request)["Item"])


def objects_below(bucket: str, order_id: str) -> list[str]:
    listed = client("s3").list_objects_v2(Bucket=bucket, Prefix=f"tickets/{order_id}/")
    return [entry["Key"] for entry in listed.get("Contents", [])]


def test_every_place_gets_a_ticket_whose_code_is_ours(
    sale: HoldConfirmed, tickets: list[Ticket], desk: use_cases.Desk
) -> None:
    assert [ticket.place_label for ticket in tickets] == ["Orchestra, row C, seat 1", "Orchestra, row C, seat 2"]
    for ticket in tickets:
        read = verify_code(ticket.code, desk.keys.jwks())
        assert (read.ticket_id, read.event_id) == (ticket.ticket_id, sale.event_id)
        assert (ticket.person_id, ticket.price) == (sale.buyer.person_id, sale.places[0].price)


def test_the_announcement_says_where_the_pdf_is_and_what_it_hashes_to(
    sale: HoldConfirmed, event: EventPublished, desk: use_cases.Desk
) -> None:
    image = image_of(sale.order_id)
    assert image["outbox"]["types"] == [TicketsIssued.type_name]
    message = repository.tickets_issued(image)
    assert message == msgspec.json.decode(msgspec.json.encode(message), type=TicketsIssued)
    assert (message.order_id, message.version, message.buyer) == (sale.order_id, 1, sale.buyer)
    assert (message.event_name, message.starts_at, message.time_zone) == (event.name, event.starts_at, event.time_zone)
    assert [ticket.seat for ticket in message.tickets] == ["1", "2"]
    content = repository.read_document(message.document)
    assert content.startswith(b"%PDF")
    assert hashlib.sha256(content).hexdigest() == message.document.sha256
    assert message.document.bucket == desk.bucket


def test_the_address_of_a_pdf_follows_from_a_secret(sale: HoldConfirmed, desk: use_cases.Desk) -> None:
    issue = repository.find_issue(sale.order_id)
    assert issue is not None
    assert issue.document is not None
    content = repository.read_document(issue.document)
    elsewhere = repository.store_document(desk.bucket, sale.order_id, content, "another secret")
    assert elsewhere.key != issue.document.key
    assert len(issue.document.key.rpartition("/")[2]) == 44


def test_a_confirmation_that_comes_again_changes_nothing(sale: HoldConfirmed, desk: use_cases.Desk) -> None:
    before = image_of(sale.order_id)
    with consumed() as meter:
        use_cases.issue_tickets(sale, desk, AT)
    assert meter.writes == 0
    assert image_of(sale.order_id) == before


def test_a_replay_after_a_crash_between_the_pdf_and_the_tickets_leaves_one_pdf(
    event: EventPublished, desk: use_cases.Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = confirmed(event)
    with monkeypatch.context() as crash:
        crash.setattr(repository, "issue", lambda *_: (_ for _ in ()).throw(SystemExit("killed")))
        with pytest.raises(SystemExit):
            use_cases.issue_tickets(sale, desk, AT)
    assert repository.find_issue(sale.order_id) is None
    stored = objects_below(desk.bucket, sale.order_id)
    use_cases.issue_tickets(sale, desk, AT)
    assert objects_below(desk.bucket, sale.order_id) == stored
    assert len(stored) == 1


def test_parallel_confirmations_issue_once(event: EventPublished, desk: use_cases.Desk) -> None:
    sale = confirmed(event)
    barrier = threading.Barrier(6)
    issues: list[repository.Issue] = []

    def deliver() -> None:
        barrier.wait()
        issues.append(use_cases.issue_tickets(sale, desk, AT))

    threads = [threading.Thread(target=deliver) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(issues) == 6
    assert len({msgspec.json.encode(issue) for issue in issues}) == 1
    assert image_of(sale.order_id)["version"] == 1


def test_a_confirmation_before_its_event_is_left_to_the_queue(desk: use_cases.Desk) -> None:
    event = published()
    sale = confirmed(event)
    with pytest.raises(domain.EventUnknown):
        use_cases.issue_tickets(sale, desk, AT)
    use_cases.keep_event(event, AT)
    assert use_cases.issue_tickets(sale, desk, AT).state == "issued"


def test_an_older_publication_does_not_overwrite_a_newer_one(event: EventPublished) -> None:
    newer = msgspec.structs.replace(event, version=3, name="Moved to Sunday")
    use_cases.keep_event(newer, AT)
    use_cases.keep_event(event, AT)
    use_cases.keep_event(newer, AT)
    kept = repository.find_event(event.event_id)
    assert kept is not None
    assert (kept.name, kept.version) == ("Moved to Sunday", 3)


def test_a_refund_revokes_every_ticket_and_withdraws_the_announcement(
    sale: HoldConfirmed, tickets: list[Ticket]
) -> None:
    use_cases.revoke_tickets(refunded(sale), AT)
    use_cases.revoke_tickets(refunded(sale), AT)
    now_ = repository.find_tickets([ticket.ticket_id for ticket in tickets])
    assert [ticket.is_revoked for ticket in now_] == [True, True]
    image = image_of(sale.order_id)
    # Same outbox version, so the relay publishes nothing; no types, so a republish does not either.
    assert (image["outbox"]["version"], image["outbox"]["types"]) == (1, [])


def test_a_refund_that_arrives_before_the_confirmation_wins(event: EventPublished, desk: use_cases.Desk) -> None:
    sale = confirmed(event)
    use_cases.revoke_tickets(refunded(sale), AT)
    assert use_cases.issue_tickets(sale, desk, AT).state == "revoked"
    assert repository.find_ticket(domain.ticket_id_of(sale.order_id, sale.places[0])) is None


def test_a_refund_between_reading_and_issuing_wins(
    event: EventPublished, desk: use_cases.Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = confirmed(event)
    genuine = repository.store_document

    def refund_meanwhile(*args: Any) -> Any:
        use_cases.revoke_tickets(refunded(sale), AT)
        return genuine(*args)

    monkeypatch.setattr(repository, "store_document", refund_meanwhile)
    assert use_cases.issue_tickets(sale, desk, AT).state == "revoked"
    assert repository.find_ticket(domain.ticket_id_of(sale.order_id, sale.places[0])) is None


def test_an_order_of_more_tickets_than_a_transaction_takes(event: EventPublished, desk: use_cases.Desk) -> None:
    sale = confirmed(event, places=places(130, seated=False))
    issue = use_cases.issue_tickets(sale, desk, AT)
    assert len(issue.tickets) == 130
    wanted = [ticket.ticket_id for ticket in issue.tickets]
    assert [ticket.ticket_id for ticket in repository.find_tickets(wanted)] == wanted
    use_cases.revoke_tickets(refunded(sale), AT)
    assert all(ticket.is_revoked for ticket in repository.find_tickets(wanted))


def test_what_issuing_two_tickets_costs(event: EventPublished, desk: use_cases.Desk) -> None:
    sale = confirmed(event)
    with consumed() as meter:
        use_cases.issue_tickets(sale, desk, AT)
    # Two reads, and one transaction of three rows. Each row is under 1 KB, so that is 2 units a row, 6 together; they
    # are reckoned from the sizes, because the emulator's report of a transaction is off when it serves others as well.
    assert meter.requests == 3
    keys = [(sale.order_id, "issue")] + [(domain.ticket_id_of(sale.order_id, place), "ticket") for place in sale.places]
    assert [item_bytes(*key) <= 1024 for key in keys] == [True, True, True]


def test_ids_of_messages_stay_the_same_in_a_republish(sale: HoldConfirmed) -> None:
    row = fetch(rows.IssueRow, sale.order_id, "issue")
    assert row is not None
    assert row.outbox is not None
    assert (row.version, row.outbox["version"]) == (1, 1)
    assert ids.is_id("ord", row.pk)


def test_the_orders_of_one_on_sale_do_not_all_read_the_same_item(
    event: EventPublished, sale: HoldConfirmed, desk: use_cases.Desk
) -> None:
    with consumed() as units:
        use_cases.issue_tickets(confirmed(event), desk, AT)
    assert units.reads == 1, "the order's own issue, and nothing of the event"


def test_a_newer_publication_is_printed_at_once_where_it_came_in(
    event: EventPublished, sale: HoldConfirmed, desk: use_cases.Desk
) -> None:
    use_cases.keep_event(msgspec.structs.replace(event, version=event.version + 1, name="Renamed"), AT)
    issued = use_cases.issue_tickets(confirmed(event), desk, AT)
    assert repository.tickets_issued(image_of(issued.order_id)).event_name == "Renamed"
