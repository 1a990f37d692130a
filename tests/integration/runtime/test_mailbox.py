"""The mailbox keeps mails as they came and shows them without letting them do anything."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from runtime.mailbox import letters as kept
from runtime.mailbox.letters import Letters
from runtime.mailbox.receiving import Receiver
from runtime.mailbox.showing import Window
from runtime.parts import free_port


class Mailbox:
    def __init__(self, folder: Path) -> None:
        self.letters = Letters(folder)
        self.receiver = Receiver(free_port(), self.letters)
        self.window = Window(free_port(), self.letters)
        self.url = f"http://127.0.0.1:{self.window.server_address[1]}"

    def send(self, message: EmailMessage, *recipients: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.receiver.server_address[1], timeout=10) as client:
            client.send_message(message, to_addrs=recipients or None)


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    made = Mailbox(tmp_path)
    servers = (made.receiver, made.window)
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    yield made
    for server in servers:
        server.shutdown()
        server.server_close()
    for thread in threads:
        thread.join()


def letter(subject: str = "Your tickets", body: str = "Two seats.\n.\nAfter a lone dot.\n") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "box@example.com", "buyer@example.com", subject
    message.set_content(body)
    message.add_attachment(b"%PDF-1.7 \x00\xff", maintype="application", subtype="pdf", filename="tickets.pdf")
    return message


def test_a_mail_comes_out_as_it_went_in(mailbox: Mailbox) -> None:
    mailbox.send(letter(), "buyer@example.com", "hidden@example.com")
    [summary] = httpx.get(f"{mailbox.url}/messages").json()
    assert summary["to"] == ["buyer@example.com", "hidden@example.com"]
    assert (summary["subject"], summary["attachments"]) == ("Your tickets", ["tickets.pdf"])
    raw = httpx.get(f"{mailbox.url}/messages/{summary['id']}").text
    assert ".\r\nAfter a lone dot." in raw
    pdf = httpx.get(f"{mailbox.url}/messages/{summary['id']}/attachments/0")
    assert (pdf.content, pdf.headers["content-type"]) == (b"%PDF-1.7 \x00\xff", "application/pdf")


def test_the_newest_comes_first_and_a_person_can_read_it(mailbox: Mailbox) -> None:
    for subject in ("First", "Second"):
        mailbox.send(letter(subject))
    page = httpx.get(mailbox.url).text
    assert 0 < page.index("Second") < page.index("First")
    newest = httpx.get(f"{mailbox.url}/messages").json()[0]
    assert "Two seats." in httpx.get(f"{mailbox.url}/read/{newest['id']}").text


def test_a_mail_is_shown_not_run(mailbox: Mailbox) -> None:
    mailbox.send(letter("<script>alert(1)</script>", "<img src=x onerror=alert(2)>\n"))
    [summary] = httpx.get(f"{mailbox.url}/messages").json()
    for path in ("/", f"/read/{summary['id']}"):
        answer = httpx.get(mailbox.url + path)
        assert "<script>" not in answer.text
        assert "<img" not in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("path", ["/messages/none", "/messages/..%2f..%2fsecrets", "/read/x", "/elsewhere"])
def test_what_is_not_there_is_404(mailbox: Mailbox, path: str) -> None:
    assert httpx.get(mailbox.url + path).status_code == 404


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LETTERS_MAX", 3)
    letters = Letters(tmp_path)
    ids = [letters.keep(b"Subject: one\r\n\r\n", ["somebody@example.com"]) for _ in range(5)]
    assert [each.id for each in letters.newest()] == ids[:1:-1]


def test_a_mail_that_is_too_big_is_refused_and_the_next_is_taken(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.mailbox.receiving.LETTER_BYTES_MAX", 2000)
    with smtplib.SMTP("127.0.0.1", mailbox.receiver.server_address[1], timeout=10) as client:
        with pytest.raises(smtplib.SMTPDataError):
            client.sendmail("a@example.com", ["b@example.com"], "Subject: big\r\n\r\n" + "x" * 70 + "\r\n" * 2000)
        client.sendmail("a@example.com", ["b@example.com"], "Subject: small\r\n\r\nfine\r\n")
    assert [each["subject"] for each in httpx.get(f"{mailbox.url}/messages").json()] == ["small"]
