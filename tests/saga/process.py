"""A process that brings a webhook to payments and then runs every trigger, and may be told to die on the way.

`python -m tests.saga.process` reads its order from the JSON in SAGA_PROCESS: the webhook, the triggers' checkpoints,
and at which of its writes it shall kill itself. A write is whatever changes something outside the process: an item, a
published message, a stored document, a mail, a deleted message, a refund, a commit.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.saga.box_office import BoxOffice
from tests.saga.company import Webhook

WRITES = {
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "TransactWriteItems",
    "BatchWriteItem",
    "Publish",
    "PublishBatch",
    "PutObject",
    "SendEmail",
    "SendRawEmail",
    "SendMessage",
    "SendMessageBatch",
    "DeleteMessage",
    "DeleteMessageBatch",
}


class Crash:
    """Counts writes, and kills the process just before the one it was told."""

    def __init__(self, at_write: int) -> None:
        self._left = at_write

    def around(self, operation: str, write: Callable[[], Any]) -> Any:
        """Does the write, or dies when it is the one."""
        self._left -= operation in WRITES
        if self._left == 0:
            # Its name is left behind for whoever reads the test's output; everything else goes as in a power cut.
            os.write(2, f"dies before {operation}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
        return write()


def install(crash: Crash) -> None:
    """Puts the crash around every way out of the process that changes something."""
    import urllib3
    from botocore.client import BaseClient
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    from shared.data import transport

    carry = transport.carry
    client: Any = BaseClient
    call = client._make_api_call
    ask = urllib3.PoolManager.request

    def carried(operation: str, request: transport.Request, seconds: float) -> transport.Answer:
        answer: transport.Answer = crash.around(operation, lambda: carry(operation, request, seconds))
        return answer

    def called(self: Any, operation: str, parameters: Any) -> Any:
        return crash.around(operation, lambda: call(self, operation, parameters))

    def requested(self: Any, method: str, url: str, *others: Any, **named: Any) -> Any:
        name = "Publish" if method == "POST" and "/refunds" in url else "read"
        return crash.around(name, lambda: ask(self, method, url, *others, **named))

    transport.carry = carried
    client._make_api_call = called
    urllib3.PoolManager.request = requested  # type: ignore[method-assign]
    event.listen(Engine, "commit", lambda connection: crash.around("SendMessage", lambda: None))


def acknowledge_first() -> None:
    """Takes the guard away that the negative control is about: messages are deleted before they are handled."""
    from runtime.triggers.queues import QueuePoller

    deliver = QueuePoller.deliver

    def hasty(self: QueuePoller, messages: list[Any]) -> int:
        self._delete(messages)
        return deliver(self, messages)

    QueuePoller.deliver = hasty  # type: ignore[method-assign]


def main() -> int:
    """Answers 0 when everything was done and nothing is left to do, 3 when something was left."""
    from runtime.triggers.pump import Triggers

    orders = json.loads(os.environ["SAGA_PROCESS"])
    office = BoxOffice()
    triggers = Triggers(office.apps, checkpoints=Path(orders["checkpoints"]), retry_seconds=0)
    if orders["acknowledge_first"]:
        acknowledge_first()
    if orders["crash_at"]:
        install(Crash(orders["crash_at"]))
    if orders["webhook"] is not None:
        office.take_webhook(Webhook(orders["webhook"]["headers"], orders["webhook"]["body"].encode()))
        Path(orders["acknowledged"]).touch()
    return 0 if triggers.drain(60).idle else 3


if __name__ == "__main__":
    sys.exit(main())
