"""Sends a service's rows or dead letters again: the commands behind `make republish` and `make redrive`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Collection, Mapping
from typing import Any

from runtime.parts import PartFailed
from shared.messaging import Relay, redrive, republish


def republish_service(service: str, say: Callable[[str], None], about: Collection[str] = ()) -> bool:
    """Sends again what every row of a service announced last, under the same message ids. False if some could not.

    With ids in `about`, only rows that name one of them: those of one event, say, or of one order.
    """
    relay = relay_of(service)
    if relay is None:
        say(f"{service}: publishes nothing")
        return True

    def is_about(image: Mapping[str, Any]) -> bool:
        text = repr(image)
        return not about or any(one in text for one in about)

    done = republish(os.environ[f"{service.upper()}_TABLE_NAME"], relay, accept=is_about)
    say(f"{service}: {done.scanned} rows looked at, {done.sent} sent again")
    for key in done.failed:
        say(f"{service}: the row {key} could not be sent")
    return not done.failed


def relay_of(service: str) -> Relay | None:
    """The relay in a service's app, or None for a service that only consumes. Refuses two of them (PartFailed)."""
    app = importlib.import_module(f"services.{service}.app")
    found = {id(value): value for value in vars(app).values() if isinstance(value, Relay)}
    if len(found) > 1:
        raise PartFailed(f"services/{service}/app.py has {len(found)} relays, and its table can have one only.")
    return next(iter(found.values()), None)


def redrive_service(service: str, say: Callable[[str], None]) -> bool:
    """Puts a service's dead letters back into its queue. False if the queue did not take some."""
    queue = os.environ.get(f"{service.upper()}_QUEUE_NAME")
    if queue is None:
        say(f"{service}: consumes nothing")
        return True
    done = redrive(queue.removesuffix("-messages") + "-dead-letters", queue)
    say(f"{service}: {done.moved} dead letters put back, {done.failed} not taken by the queue")
    return not done.failed
