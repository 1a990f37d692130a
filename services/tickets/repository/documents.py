"""The PDFs in S3."""

from __future__ import annotations

import hashlib
import hmac

from contracts.tickets import Document
from shared.messaging.clients import client


def store_document(bucket: str, order_id: str, content: bytes, secret: str) -> Document:
    """Store an order's PDF where only who was told finds it.

    The key follows from the content and a secret, so that a replay writes the same object again and leaves none behind.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    tail = hmac.digest(secret.encode(), f"document {order_id} {sha256}".encode(), "sha256").hex()[:40]
    document = Document(bucket=bucket, key=f"tickets/{order_id}/{tail}.pdf", sha256=sha256)
    client("s3").put_object(Bucket=bucket, Key=document.key, Body=content, ContentType="application/pdf")
    return document


def read_document(document: Document) -> bytes:
    """The content of a stored PDF."""
    content: bytes = client("s3").get_object(Bucket=document.bucket, Key=document.key)["Body"].read()
    return content
