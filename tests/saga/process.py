"""A process that brings a webhook to payments and then runs every trigger, and may be told to die on the way.

A write is whatever changes something outside the process: an item, a published message, a stored document, a mail, a
deleted message, a refund, a commit.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from runtime.triggers.pump import Triggers
from shared.settings import Secret
from tests.saga.box_office import BoxOffice, load_apps
from tests.saga.company import Webhook

# A process that is forked from one that knows this module finds the services imported.
load_apps()

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


class Task(NamedTuple):
    """What the process is to do: the payment company's address, the webhook, and the triggers' checkpoints. It kills
    itself at its write `crash_at`, and touches `acknowledged` when payments has taken the webhook. Its last words go
    to `last_words`."""

    company: str
    webhook: Webhook
    checkpoints: Path
    acknowledged: Path
    last_words: Path
    crash_at: int
    acknowledge_first: bool = False


class Crash:
    """Counts writes, and kills the process just before the one it was told."""

    def __init__(self, at_write: int, last_words: Path) -> None:
        self._left = at_write
        self._last_words = last_words

    def around(self, operation: str, write: Callable[[], Any]) -> Any:
        """Does the write, or dies when it is the one."""
        self._left -= operation in WRITES
        if self._left == 0:
            # Its name is left behind for whoever reads the test's output; everything else goes as in a power cut.
            self._last_words.write_text(f"dies before {operation}")
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


def carry_on(task: Task) -> None:
    """Ends with 0 when everything was done and nothing is left to do, with 3 when something was left."""
    from services.payments import app as payments_app
    from services.payments.providers.company import PaymentCompany

    secrets = (Secret(os.environ[f"TEST_PROVIDER_{name}"]) for name in ("API_KEY", "WEBHOOK_SECRET"))
    payments_app.provider = PaymentCompany(task.company, *secrets)
    office = BoxOffice()
    triggers = Triggers(office.apps, checkpoints=task.checkpoints, retry_seconds=0)
    if task.acknowledge_first:
        acknowledge_first()
    install(Crash(task.crash_at, task.last_words))
    office.take_webhook(task.webhook)
    task.acknowledged.touch()
    sys.exit(0 if triggers.drain(60).idle else 3)
