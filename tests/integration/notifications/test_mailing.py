"""Mails go out at least once, and once only where nothing crashes."""

from __future__ import annotations

import email.policy
import threading
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from itertools import count
from typing import Any

import msgspec
import pytest
from chalice.local import NotAuthorizedError

from contracts.tickets import TicketsIssued
from services.notifications import post, repository, use_cases
from services.notifications.domain import CLAIM_KEPT, ClaimHeld, DocumentChanged
from shared import clock, ids
from shared.auth import Identity, issue_access_token
from shared.data import consumed
from shared.messaging import Envelope
from shared.messaging.clients import client as aws
from tests.integration.notifications.conftest import PDF
from tests.unit.notifications.sample_mails import AT, offered, quota_reached, refunded

Mailbox = Callable[[], list[dict[str, Any]]]


class Killed(BaseException):
    """The process ends here: nothing catches it."""


def test_the_tickets_arrive(sale: TicketsIssued, counter: use_cases.Counter, mailbox: Mailbox) -> None:
    use_cases.mail_tickets(sale, counter, AT)
    (mail,) = mailbox()
    assert mail["Subject"] == "Your tickets for Mahler: Symphony No. 9"
    assert "Orchestra, row C, seat 12" in mail["BodyText"]
    assert "Orchestra, row C, seat 12" in mail["BodyHtml"]
    (kept,) = repository.mails_of(sale.order_id)
    assert (kept.state, kept.tries, kept.sent_at) == ("sent", 1, AT)
    assert kept.reference == mail["MessageId"]


def test_an_offer_arrives_once_and_not_when_it_is_over(
    sale: TicketsIssued, counter: use_cases.Counter, mailbox: Mailbox
) -> None:
    offer = offered(sale)
    assert use_cases.mail_offer(offer, counter, offer.expires_at) is None
    assert mailbox() == []
    assert use_cases.mail_offer(offer, counter, AT) is not None
    assert use_cases.mail_offer(offer, counter, AT) is None
    (mail,) = mailbox()
    assert mail["Subject"] == "2 places for Mahler: Symphony No. 9, kept for you"
    assert f"{counter.public_url}/waiting-list/{offer.event_id}" in mail["BodyText"]
    (kept,) = repository.mails_of(offer.entry_id)
    assert (kept.kind, kept.state) == ("offer", "sent")


def all_sent(monkeypatch: pytest.MonkeyPatch, fails: Callable[[str], bool] = lambda address: False) -> list[str]:
    """Filled with the address of every mail that is sent; one that `fails` is lost on the way."""
    sent: list[str] = []

    def take(raw: bytes, sender: str, address: str) -> str:
        if fails(address):
            raise OSError("the mail could not be sent")
        sent.append(address)
        return "reference"

    monkeypatch.setattr(post, "send", take)
    return sent


def test_each_owner_is_told_once_of_each_share_however_often_and_in_whatever_order(
    counter: use_cases.Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = all_sent(monkeypatch)
    eighty = quota_reached()
    hundred = msgspec.structs.replace(eighty, share=100, version=4)
    for message in (eighty, eighty, hundred, msgspec.structs.replace(eighty, version=9), hundred):
        use_cases.mail_quota(message, counter, AT)
    addresses = [owner.email for owner in eighty.owners]
    assert sent == addresses * 2
    use_cases.mail_quota(msgspec.structs.replace(eighty, plan="partner", version=12), counter, AT)
    assert sent == addresses * 3, "another plan's quota"


def test_an_owner_whose_mail_failed_is_told_later_and_the_others_not_again(
    counter: use_cases.Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = quota_reached()
    ann, ben = (owner.email for owner in message.owners)
    sent = all_sent(monkeypatch, fails=lambda address: address == ben)
    with pytest.raises(OSError, match="could not be sent"):
        use_cases.mail_quota(message, counter, AT)
    assert sent == [ann]
    again = all_sent(monkeypatch)
    use_cases.mail_quota(message, counter, AT)
    assert again == [ben]


def test_without_its_claim_a_quota_mail_is_sent_again(
    counter: use_cases.Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    sent, message, numbers, claim = all_sent(monkeypatch), quota_reached(), count(), repository.claim

    def fresh(mail: Any, now: Any) -> Any:
        return claim(msgspec.structs.replace(mail, about_id=f"{mail.about_id}{next(numbers)}"), now)

    use_cases.mail_quota(message, counter, AT)
    monkeypatch.setattr(repository, "claim", fresh)
    use_cases.mail_quota(message, counter, AT)
    assert len(sent) == 4


def test_the_pdf_goes_along(sale: TicketsIssued, counter: use_cases.Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    def take(raw: bytes, sender: str, address: str) -> str:
        sent.append(raw)
        return "reference"

    monkeypatch.setattr(post, "send", take)
    use_cases.mail_tickets(sale, counter, AT)
    message = message_from_bytes(sent[0], policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert [part.get_content() for part in message.iter_attachments()] == [PDF]


def test_a_message_that_comes_again_sends_nothing(
    sale: TicketsIssued, counter: use_cases.Counter, mailbox: Mailbox
) -> None:
    for _ in range(3):
        use_cases.mail_tickets(sale, counter, AT)
    # Years later, by a republish.
    use_cases.mail_tickets(sale, counter, AT + timedelta(days=800))
    assert len(mailbox()) == 1


def test_messages_that_come_at_once_send_one_mail(
    sale: TicketsIssued, counter: use_cases.Counter, mailbox: Mailbox
) -> None:
    barrier, held = threading.Barrier(8), []

    def deliver() -> None:
        barrier.wait()
        try:
            use_cases.mail_tickets(sale, counter, AT)
        except ClaimHeld as error:
            held.append(error)

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mailbox()) == 1


def test_without_the_claim_they_would_send_several(
    sale: TicketsIssued, counter: use_cases.Counter, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the claim is what keeps duplicates from being sent."""

    class Anybody:
        def finish(self, *_: Any) -> None:
            pass

    monkeypatch.setattr(repository, "claim", lambda mail, now: Anybody())
    for _ in range(3):
        use_cases.mail_tickets(sale, counter, AT)
    assert len(mailbox()) == 3


@pytest.mark.parametrize("crash", ["before sending", "after sending"])
def test_a_crash_sends_again_rather_than_never(
    sale: TicketsIssued, counter: use_cases.Counter, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, crash: str
) -> None:
    genuine = post.send

    def send(*args: Any) -> str:
        if crash == "after sending":
            genuine(*args)
        raise Killed

    with monkeypatch.context() as crashing:
        crashing.setattr(post, "send", send)
        with pytest.raises(Killed):
            use_cases.mail_tickets(sale, counter, AT)
    # The claim of the dead is kept for a while, in case it is not dead; then the message that comes again sends.
    with pytest.raises(ClaimHeld):
        use_cases.mail_tickets(sale, counter, AT + CLAIM_KEPT / 2)
    use_cases.mail_tickets(sale, counter, AT + CLAIM_KEPT)
    assert len(mailbox()) == (2 if crash == "after sending" else 1)
    (kept,) = repository.mails_of(sale.order_id)
    assert (kept.state, kept.tries) == ("sent", 2)


def test_a_failure_gives_the_claim_back_at_once(
    sale: TicketsIssued, counter: use_cases.Counter, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> str:
        raise ConnectionError("the mail service is away")

    with monkeypatch.context() as failing:
        failing.setattr(post, "send", refuse)
        with pytest.raises(ConnectionError):
            use_cases.mail_tickets(sale, counter, AT)
    use_cases.mail_tickets(sale, counter, AT)
    assert len(mailbox()) == 1


def test_a_pdf_that_is_not_the_announced_one_is_not_sent(
    sale: TicketsIssued, counter: use_cases.Counter, mailbox: Mailbox
) -> None:
    aws("s3").put_object(Bucket=sale.document.bucket, Key=sale.document.key, Body=b"%PDF-1.7 somebody else's")
    with pytest.raises(DocumentChanged):
        use_cases.mail_tickets(sale, counter, AT)
    assert mailbox() == []
    aws("s3").put_object(Bucket=sale.document.bucket, Key=sale.document.key, Body=PDF)
    use_cases.mail_tickets(sale, counter, AT)
    assert len(mailbox()) == 1


def test_a_pdf_is_fetched_from_our_bucket_only(sale: TicketsIssued, counter: use_cases.Counter) -> None:
    elsewhere = msgspec.structs.replace(sale.document, bucket="somebody-elses")
    with pytest.raises(DocumentChanged, match="another bucket"):
        use_cases.mail_tickets(msgspec.structs.replace(sale, document=elsewhere), counter, AT)


def test_an_impossible_address_is_noted_and_not_tried_again(sale: TicketsIssued, counter: use_cases.Counter) -> None:
    buyer = msgspec.structs.replace(sale.buyer, email="nobody\r\nBcc: all@example.com")
    broken = msgspec.structs.replace(sale, buyer=buyer)
    use_cases.mail_tickets(broken, counter, AT)
    assert use_cases.mail_tickets(broken, counter, AT + CLAIM_KEPT) is None
    (kept,) = repository.mails_of(sale.order_id)
    assert (kept.state, kept.sent_at) == ("undeliverable", None)


def test_the_refund_mail_names_the_event_of_the_tickets_mail(
    sale: TicketsIssued, counter: use_cases.Counter, mailbox: Mailbox
) -> None:
    use_cases.mail_tickets(sale, counter, AT)
    for _ in range(2):
        use_cases.mail_refund(refunded(sale), counter, AT)
    assert [mail["Subject"] for mail in mailbox()] == [
        "Your tickets for Mahler: Symphony No. 9",
        "Your refund of 90.00 USD for Mahler: Symphony No. 9",
    ]
    assert [mail.kind for mail in repository.mails_of(sale.order_id)] == ["tickets", "refund"]


def test_a_mail_costs_two_writes(sale: TicketsIssued, counter: use_cases.Counter) -> None:
    with consumed() as meter:
        use_cases.mail_tickets(sale, counter, AT)
    assert (meter.writes, meter.reads) == (2, 0)


def test_the_consumer_takes_a_batch_and_names_what_failed(
    app: Any, sale: TicketsIssued, counter: use_cases.Counter, mailbox: Mailbox
) -> None:
    from services.notifications.app import consumer

    missing = msgspec.structs.replace(sale.document, key="tickets/none.pdf")
    lost = msgspec.structs.replace(sale, order_id=ids.new_id("ord"), document=missing)

    def record(number: str, message: TicketsIssued) -> dict[str, Any]:
        envelope = Envelope(
            id=f"{message.order_id}/issue|1|{message.type_name}",
            type=message.type_name,
            time=AT,
            source="tickets",
            subject=message.order_id,
            data=msgspec.Raw(msgspec.json.encode(message)),
        )
        return {"messageId": number, "body": msgspec.json.encode(envelope).decode(), "attributes": {}}

    answer = consumer.handle({"Records": [record("1", lost), record("2", sale)]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert len(mailbox()) == 1


def test_the_buyer_and_the_staff_see_what_was_mailed(
    client: Any, sale: TicketsIssued, counter: use_cases.Counter
) -> None:
    use_cases.mail_tickets(sale, counter, AT)

    def listed(person_id: str, roles: dict[str, str]) -> Any:
        identity = Identity(person_id, "a@b.example", "A", ids.new_id("ses"), roles)
        token = issue_access_token(identity, now=clock.now()).token
        path = f"/v1/notifications?order_id={sale.order_id}"
        return client.get(path, headers={"Authorization": f"Bearer {token}"}).json["items"]

    (seen,) = listed(sale.buyer.person_id, {})
    assert (seen["kind"], seen["state"], seen["address"]) == ("tickets", "sent", sale.buyer.email)
    assert seen["sent_at"] == "2026-09-01T12:00:00Z"
    assert len(listed(ids.new_id("per"), {sale.organiser_id: "box_office"})) == 1
    for roles in ({}, {sale.organiser_id: "scanner"}, {ids.new_id("org"): "owner"}):
        assert listed(ids.new_id("per"), roles) == []
    with pytest.raises(NotAuthorizedError):
        client.get(f"/v1/notifications?order_id={sale.order_id}", headers={"Authorization": "Bearer x"})
