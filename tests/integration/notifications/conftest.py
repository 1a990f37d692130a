"""Notifications on real parts: documents in S3, mails at the emulator, and a client of the routes."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import urllib.request
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from contracts.sale import Buyer
from contracts.tickets import Document, TicketsIssued
from services.notifications import use_cases
from shared import ids
from shared.messaging.clients import client as aws
from tests.unit.notifications.sample_mails import AT, issued

PDF = b"%PDF-1.7 the tickets"


@pytest.fixture
def counter() -> use_cases.Counter:
    """What the app sends with; its address may send."""
    from services.notifications.app import settings
    from services.notifications.settings import counter

    aws("ses").verify_email_identity(EmailAddress=settings.mail_from)
    return counter(settings)


@pytest.fixture
def sale(counter: use_cases.Counter) -> TicketsIssued:
    """Tickets whose PDF is where the message says, for a buyer of their own."""
    message = issued()
    document = Document(
        bucket=counter.bucket,
        key=f"tickets/{message.order_id}/{secrets.token_hex(8)}.pdf",
        sha256=hashlib.sha256(PDF).hexdigest(),
    )
    aws("s3").put_object(Bucket=document.bucket, Key=document.key, Body=PDF)
    address = f"{secrets.token_hex(6)}@example.com"
    buyer = Buyer(person_id=ids.new_id("per", AT), email=address, name="Bea Büyer")
    return msgspec.structs.replace(message, document=document, buyer=buyer)


@pytest.fixture
def mailbox(sale: TicketsIssued) -> Callable[[], list[dict[str, Any]]]:
    """What arrived at the buyer's address."""

    def look() -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/_ministack/ses/messages") as answer:
            accounts = json.load(answer)["messages"]
        mails = [mail for account in accounts.values() for mail in account]
        return [mail for mail in mails if any(sale.buyer.email in to for to in mail["To"])]

    return look


@pytest.fixture
def app() -> Any:
    """The app that pytest-chalice's client calls."""
    from services.notifications.app import app

    return app
