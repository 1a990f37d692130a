"""The AWS clients of messaging: made on first use, kept for the process, safe to share among threads."""

from __future__ import annotations

import os
import threading
from typing import Any, Final

# Short, because a queue or a stream brings the work again: better a failed attempt than a function that hangs.
CONNECT_SECONDS: Final = 1.0
READ_SECONDS: Final = 5.0
ATTEMPTS_MAX: Final = 4

_clients: dict[tuple[int, str, str | None], Any] = {}
_lock = threading.Lock()


def client(service: str, read_seconds: float = READ_SECONDS) -> Any:
    """The botocore client of an AWS service (`sns`, `sqs`, `s3`) at the address the environment names."""
    # By process, because a fork must not share its parent's sockets; by address, because tests change it.
    key = (os.getpid(), f"{service}:{read_seconds}", os.environ.get("AWS_ENDPOINT_URL"))
    found = _clients.get(key)
    if found is None:
        with _lock:
            found = _clients.get(key)
            if found is None:
                found = _clients[key] = _make(service, read_seconds)
    return found


def _make(service: str, read_seconds: float) -> Any:
    # Imported here: a function that publishes nothing does not pay for making clients.
    from botocore.config import Config
    from botocore.session import get_session

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS_MAX},
        max_pool_connections=16,
        # Virtual hosts need DNS for every bucket, which an emulator on a loopback address does not have.
        s3={"addressing_style": "path"} if os.environ.get("AWS_ENDPOINT_URL") else None,
    )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return get_session().create_client(service, region_name=region, config=config)
