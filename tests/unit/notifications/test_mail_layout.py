"""Mails: what stands in them, and what nobody can make stand in them."""

from __future__ import annotations

import email.policy
import unicodedata
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications import domain, layout
from services.notifications.domain import (
    Undeliverable,
    header_text,
    offer_mail,
    quota_mails,
    refund_mail,
    require_address,
    tickets_mail,
)
from shared.money import Money
from tests.unit.notifications.sample_mails import issued, offered, quota_reached, refunded

SENDER = "box-office@stagedoor.example"
HEADERS = ["From", "To", "Subject", "Message-ID", "Auto-Submitted", "Content-Type", "MIME-Version"]


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def with_buyer(**changes: str) -> Any:
    message = issued()
    return msgspec.structs.replace(message, buyer=msgspec.structs.replace(message.buyer, **changes))


def test_the_tickets_mail_says_what_where_and_when_in_text_and_html() -> None:
    sale = issued()
    message = parsed(layout.compose(tickets_mail(sale), SENDER, b"%PDF-1.7 the tickets"))
    assert message["Subject"] == "Your tickets for Mahler: Symphony No. 9"
    assert message["To"] == "Bea Büyer <bea.buyer@example.com>"
    assert message["From"] == f"Stagedoor <{SENDER}>"
    for kind in ("plain", "html"):
        body = body_of(message, kind)
        for expected in (
            "Bea Büyer",
            "Mahler: Symphony No. 9",
            "Thursday, 1 October 2026",
            "19:30 EDT",
            "David Geffen Hall",
            "Orchestra, row C, seat 12",
            "Orchestra, row C, seat 13",
            sale.order_id,
        ):
            assert expected in body, (kind, expected)
    (pdf,) = message.iter_attachments()
    assert (pdf.get_content_type(), pdf.get_filename()) == ("application/pdf", f"tickets-{sale.order_id}.pdf")
    assert pdf.get_content() == b"%PDF-1.7 the tickets"


def test_one_ticket_is_one_ticket() -> None:
    sale = issued()
    message = parsed(
        layout.compose(tickets_mail(msgspec.structs.replace(sale, tickets=sale.tickets[:1])), SENDER, None)
    )
    assert message["Subject"] == "Your ticket for Mahler: Symphony No. 9"
    assert "Your ticket is in the attached PDF" in body_of(message, "plain")


def test_the_refund_mail_says_how_much_and_why() -> None:
    sale = issued()
    after_sale = parsed(layout.compose(refund_mail(refunded(sale), sale.event_name), SENDER, None))
    assert after_sale["Subject"] == "Your refund of 90.00 USD for Mahler: Symphony No. 9"
    assert "tickets of this order are no longer valid" in body_of(after_sale, "plain")
    lost = refunded(sale, was_confirmed=False, confirmed_at=None, reason="places_taken")
    refused = parsed(layout.compose(refund_mail(lost, None), SENDER, None))
    assert refused["Subject"] == "Your refund of 90.00 USD"
    for kind in ("plain", "html"):
        assert "your places had gone to somebody else" in body_of(refused, kind)
        assert "No tickets were issued" in body_of(refused, kind)
    assert list(refused.iter_attachments()) == []


def test_of_an_order_that_had_cost_nothing_no_money_is_mentioned() -> None:
    free = refunded(issued(), was_confirmed=False, confirmed_at=None, reason="places_taken", amount=Money(0, "USD"))
    message = parsed(layout.compose(refund_mail(free, None), SENDER, None))
    assert message["Subject"] == "Your order was cancelled"
    for kind in ("plain", "html"):
        text = body_of(message, kind)
        assert "your order was cancelled, because your places had gone to somebody else. It had cost nothing" in text
        assert "paid" not in text
        assert "0.00" not in text


def test_the_offer_says_what_is_kept_until_when_and_where_to_take_it() -> None:
    offer = offered(issued())
    message = parsed(layout.compose(offer_mail(offer, "https://tickets.example/"), SENDER, None))
    assert message["Subject"] == "2 places for Mahler: Symphony No. 9, kept for you"
    address = f"https://tickets.example/waiting-list/{offer.event_id}"
    for kind in ("plain", "html"):
        body = body_of(message, kind)
        for expected in (
            "Bea Büyer",
            "Mahler: Symphony No. 9",
            "Tuesday, 1 September 2026",
            "08:30 EDT",
            "Orchestra, row C, seat 12",
            "Orchestra, row C, seat 13",
            "90.00",
            address,
            "next person on the list",
        ):
            assert expected in body, (kind, expected)
        assert "bought tickets" not in body
    assert list(message.iter_attachments()) == []
    one = msgspec.structs.replace(offer, places=offer.places[:1], event_name="<b>Loud</b>\nBcc: x@example.com")
    mail = parsed(layout.compose(offer_mail(one, "https://tickets.example"), SENDER, None))
    assert mail["Bcc"] is None
    assert "1 place came free, and is kept for you" in " ".join(body_of(mail, "plain").split())
    assert "<b>Loud" not in body_of(mail, "html")


def test_the_quota_mail_says_what_was_used_of_what_and_what_happens_then() -> None:
    first, second = quota_mails(quota_reached(), "https://tickets.example/")
    assert first.about_id != second.about_id
    message = parsed(layout.compose(first, SENDER, None))
    assert message["Subject"] == "API requests of Aurora Concerts: 80 % used"
    for kind in ("plain", "html"):
        body = " ".join(body_of(message, kind).split())
        for expected in ("ann", "4,000,120", "5,000,000", "plan pro", "80 %", "30 November 2026", "example/keys"):
            assert expected in body, (kind, expected)
        assert "bought tickets" not in body
    (gone, _) = quota_mails(quota_reached(100), "https://tickets.example")
    message = parsed(layout.compose(gone, SENDER, None))
    assert message["Subject"] == "API requests of Aurora Concerts: used up"
    for kind in ("plain", "html"):
        assert "have used up this month's 5,000,000 requests" in " ".join(body_of(message, kind).split())
    loud = quota_mails(quota_reached(organiser_name="<b>Loud</b>\nBcc: x@example.com"), "https://tickets.example")[0]
    mail = parsed(layout.compose(loud, SENDER, None))
    assert mail["Bcc"] is None
    assert "<b>Loud" not in body_of(mail, "html")


def test_what_people_call_themselves_is_text_in_html_not_markup() -> None:
    evil = '<script>alert(1)</script><img src=x onerror="y"> & "Co"'
    message = msgspec.structs.replace(with_buyer(name=evil), event_name=evil, venue_name=evil)
    html = body_of(parsed(layout.compose(tickets_mail(message), SENDER, None)), "html")
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_without_escaping_the_markup_would_be_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the environment's escaping is what keeps it out."""
    monkeypatch.setattr(layout._environment(), "autoescape", False)
    layout._environment().cache.clear()  # type: ignore[union-attr]
    message = issued(event_name="<script>alert(1)</script>")
    html = body_of(parsed(layout.compose(tickets_mail(message), SENDER, None)), "html")
    layout._environment().cache.clear()  # type: ignore[union-attr]
    assert "<script>alert(1)" in html


INJECTIONS = [
    "Bea\r\nBcc: everybody@example.com",
    "Bea\nSubject: Other",
    "Bea\r\n\r\n<html>body</html>",
    "Bea\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029Bcc: x@example.com",
    '"Bea" <other@example.com>',
    "=?utf-8?q?Bea=0ABcc:_x@example.com?=",
    "Bea\ud800",
    "\u202eaeB",
    "B" * 5000,
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_name_adds_a_header_or_another_recipient(text: str) -> None:
    message = msgspec.structs.replace(with_buyer(name=text), event_name=text, venue_name="x")
    raw = layout.compose(tickets_mail(message), SENDER, None)
    read = parsed(raw)
    assert sorted(read.keys()) == sorted(HEADERS)
    assert [address.addr_spec for address in read["To"].addresses] == ["bea.buyer@example.com"]
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_our_cleaning_is_what_an_encoded_line_end_in_a_name_meets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: without our cleaning the header is another one. What the email package then makes of it
    depends on the Python: some let a Bcc in, others mangle the name."""

    def addressed() -> bytes:
        message = tickets_mail(with_buyer(name="=?utf-8?q?Bea=0D=0ABcc:_x@example.com?="))
        return layout.compose(message, SENDER, None).partition(b"Subject:")[0]

    cleaned = addressed()
    # The same twice, so that the difference below is the cleaning's.
    assert addressed() == cleaned
    monkeypatch.setattr(domain, "header_text", lambda text, length_max: text)
    assert addressed() != cleaned


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nBcc: x@y.example",
        "a@b.example\n",
        "a@b.example, c@d.example",
        "<a@b.example>",
        "a b@c.example",
        '"a b"@c.example',
        "a@localhost",
        "a@b..example",
        "a..b@c.example",
        "a@",
        "@b.example",
        "",
        "a" * 65 + "@b.example",
        "é@b.example",
        "a@b.example\x00",
        "a@" + "b" * 250 + ".example",
    ],
)
def test_an_address_that_is_not_one_gets_no_mail(address: str) -> None:
    with pytest.raises(Undeliverable):
        require_address(address)
    with pytest.raises(Undeliverable):
        layout.compose(tickets_mail(with_buyer(email=address)), SENDER, None)


@pytest.mark.parametrize("address", ["a@b.example", "bea.buyer+opera@mail.example.co", "o'neil@x-y.example"])
def test_an_ordinary_address_is_taken(address: str) -> None:
    assert require_address(address) == address


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_text_becomes_one_line_of_limited_length(text: str) -> None:
    line = header_text(text, 80)
    assert len(line) <= 80
    assert not {unicodedata.category(letter) for letter in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert line.splitlines() in ([line], [])


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_name_and_any_event_make_a_mail_with_the_same_headers(name: str, event_name: str) -> None:
    message = msgspec.structs.replace(with_buyer(name=name), event_name=event_name)
    read = parsed(layout.compose(tickets_mail(message), SENDER, None))
    assert sorted(read.keys()) == sorted(HEADERS)


def test_a_mail_sent_twice_bears_one_id_and_others_bear_others() -> None:
    sale = issued()
    first, again = (parsed(layout.compose(tickets_mail(sale), SENDER, None)) for _ in range(2))
    assert first["Message-ID"] == again["Message-ID"]
    refund = parsed(layout.compose(refund_mail(refunded(sale), None), SENDER, None))
    assert refund["Message-ID"] != first["Message-ID"]
    assert first["Auto-Submitted"] == "auto-generated"


def test_a_claim_is_kept_for_a_minute_and_what_was_sent_for_ever() -> None:
    sale = issued()
    mail = tickets_mail(sale)
    claimed = domain.Sent(
        about_id=mail.about_id,
        kind="tickets",
        version=1,
        organiser_id=mail.organiser_id,
        person_id=mail.person_id,
        address=mail.address,
        subject=mail.subject,
        state="claimed",
        claimed_at=sale.starts_at,
        tries=1,
    )
    assert domain.may_claim(None, sale.starts_at)
    assert not domain.may_claim(claimed, sale.starts_at + domain.CLAIM_KEPT / 2)
    assert domain.may_claim(claimed, sale.starts_at + domain.CLAIM_KEPT)
    sent = msgspec.structs.replace(claimed, state="sent")
    assert not domain.may_claim(sent, sale.starts_at + domain.CLAIM_KEPT * 1000)
