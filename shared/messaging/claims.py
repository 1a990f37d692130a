"""The claim check: data too big for SNS lies in S3, and the message carries its address and hash."""

from __future__ import annotations

import hashlib
import os
from typing import Final

from shared.messaging.clients import client
from shared.messaging.message import Claim

# SNS and SQS take 256 KB with attributes and envelope; the rest is room for those.
DATA_BYTES_MAX: Final = 200_000
PREFIX: Final = "messages/"
BUCKET_VARIABLE: Final = "DOCUMENTS_BUCKET_NAME"


class ClaimBroken(Exception):
    """The stored data is gone or is not what the message was sent with."""


def check_in(data: bytes) -> Claim:
    """Store data and return its claim. Stored under its hash, so a replay writes the same object again.

    Raises LookupError when no bucket is set.
    """
    bucket = os.environ.get(BUCKET_VARIABLE)
    if not bucket:
        raise LookupError(f"{BUCKET_VARIABLE} is not set, so a message of {len(data)} bytes cannot be sent")
    sha256 = hashlib.sha256(data).hexdigest()
    key = f"{PREFIX}{sha256}.json"
    client("s3").put_object(Bucket=bucket, Key=key, Body=data, ContentType="application/json")
    return Claim(bucket=bucket, key=key, sha256=sha256, size_bytes=len(data))


def check_out(claim: Claim) -> bytes:
    """The data of a claim. Raises ClaimBroken when it is gone or was changed."""
    from botocore.exceptions import ClientError

    try:
        data: bytes = client("s3").get_object(Bucket=claim.bucket, Key=claim.key)["Body"].read()
    except ClientError as trouble:
        if trouble.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
            raise ClaimBroken(f"{claim.key} is gone") from trouble
        raise
    if hashlib.sha256(data).hexdigest() != claim.sha256:
        raise ClaimBroken(f"{claim.key} is not what was sent")
    return data
