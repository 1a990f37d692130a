"""What the public sees after a change whose writer was stopped before it could make Redis forget the old event."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from runtime.triggers import Triggers
from services.catalog import repository

SECONDS_MAX = 20.0


def test_a_change_is_seen_as_soon_as_the_stream_has_brought_it(
    app: Any,
    send: Any,
    organiser: Any,
    house: Any,
    publish: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = f"/v1/events/{publish(organiser, house.event)['event_id']}"
    triggers = Triggers({"catalog": app})
    triggers.drain(SECONDS_MAX)
    assert send("GET", path).json["name"] == "An Evening of Tests"
    with monkeypatch.context() as stopped:
        for name in ("forget_event", "forget_upcoming"):
            stopped.setattr(repository, name, lambda *_: None)
        assert send("PATCH", path, {"name": "Changed"}, organiser.owner, If_Match='"2"').status_code == 200
    # The control: until the row has been relayed, nobody has forgotten anything.
    assert send("GET", path).json["name"] == "An Evening of Tests"
    relaying = threading.Thread(target=triggers.drain, args=(SECONDS_MAX,))
    relaying.start()
    ends_at = time.monotonic() + SECONDS_MAX
    while send("GET", path).json["name"] != "Changed":
        assert time.monotonic() < ends_at, "the old event is still shown"
        time.sleep(0.01)
    relaying.join()
    triggers.close()
