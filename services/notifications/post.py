"""The way out: Amazon SES, and the stored PDFs that mails carry along."""

from __future__ import annotations

import hashlib

from contracts.tickets import Document
from services.notifications.domain import DocumentChanged
from shared.messaging.clients import client


def send(raw: bytes, sender: str, address: str) -> str:
    """Hand a mail in MIME to SES, for one address; answers SES's own reference of it.

    The envelope's addresses are given apart from the headers, so that nothing in the text decides where it goes.
    """
    answer = client("ses").send_raw_email(Source=sender, Destinations=[address], RawMessage={"Data": raw})
    return str(answer["MessageId"])


def fetch_document(document: Document, bucket: str) -> bytes:
    """The PDF a message speaks of. Raises DocumentChanged unless it lies in our bucket and is what was announced."""
    if document.bucket != bucket:
        raise DocumentChanged(f"{document.key} lies in another bucket than ours")
    content: bytes = client("s3").get_object(Bucket=bucket, Key=document.key)["Body"].read()
    if hashlib.sha256(content).hexdigest() != document.sha256:
        raise DocumentChanged(f"{document.key} is not what was announced")
    return content
