"""Mails as they travel: jinja2 templates filled in, and the parts put together as MIME."""

from __future__ import annotations

import hashlib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.notifications.domain import Mail, require_address

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES: Final = Path(__file__).parent / "templates"


def compose(mail: Mail, sender: str, attachment: bytes | None) -> bytes:
    """The whole mail in MIME: text, HTML, and the PDF where there is one.

    The Message-ID follows from what the mail is about and its kind, so that a mail sent twice is shown once by programs
    that look at it. Raises Undeliverable for an address that no mail can be sent to.
    """
    address = require_address(mail.address)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Stagedoor", addr_spec=require_address(sender))
    message["To"] = Address(mail.name, addr_spec=address)
    message["Subject"] = mail.subject
    message["Message-ID"] = _message_id(mail, sender)
    # Out-of-office answers to a box office help nobody (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_filled(f"{mail.kind}.txt", mail))
    message.add_alternative(_filled(f"{mail.kind}.html", mail), subtype="html")
    if attachment is not None:
        message.add_attachment(
            attachment, maintype="application", subtype="pdf", filename=f"tickets-{mail.about_id}.pdf"
        )
    return message.as_bytes()


def _message_id(mail: Mail, sender: str) -> str:
    name = hashlib.sha256(f"{mail.about_id}|{mail.kind}|{mail.version}".encode()).hexdigest()[:32]
    return f"<{name}@{sender.rpartition('@')[2]}>"


def _filled(template: str, mail: Mail) -> str:
    return _environment().get_template(template).render(subject=mail.subject, **mail.facts)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
