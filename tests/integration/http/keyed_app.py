"""An app with one keyed route, whose work is a note in the table; it can be told to crash between work and answer."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Any

from shared import ids
from shared.data import AlreadyExists, BareRow, insert, query_all
from shared.http import IN_TABLE, PUBLIC, App, Call, Conflict, RequestBody, Unavailable

TABLE = "ORDERS_TABLE_NAME"
NOTES = "keyed-notes"


class Note(BareRow):
    """The trace the work leaves: one for each operation, and each run of the work has to find its own."""

    class Meta:
        table_variable = TABLE


class WriteNote(RequestBody, frozen=True):
    """What to write, and what is to happen then."""

    text: str
    then: str = "answer"


class Work:
    """How often the work was run, and a gate that holds it up."""

    def __init__(self) -> None:
        self.runs = 0
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()


def build(work: Work) -> App:
    """The app; `work` watches it."""
    app = App("keyed")

    @app.route("/v1/notes", methods=["POST"], access=PUBLIC, body=WriteNote, status=201, idempotency=IN_TABLE(TABLE))
    def write(call: Call) -> dict[str, str]:
        work.runs += 1
        work.entered.set()
        assert call.operation_id is not None
        note_id = ids.same_body("not", call.operation_id)
        with contextlib.suppress(AlreadyExists):
            insert(Note(pk=f"{NOTES}#{call.body.text}", sk=note_id), now=call.now)
        assert work.gate.wait(20)
        if call.body.then == "crash":
            os._exit(9)
        if call.body.then == "conflict":
            raise Conflict("Not now.", slug="busy")
        if call.body.then == "unavailable" and work.runs == 1:
            raise Unavailable
        return {"note_id": note_id, "text": call.body.text}

    return app


def event(key: str | None, body: str, ip: str = "192.0.2.1") -> dict[str, Any]:
    """A POST as Lambda gets it."""
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["idempotency-key"] = key
    return {
        "headers": headers,
        "pathParameters": None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": body,
        "requestContext": {"httpMethod": "POST", "resourcePath": "/v1/notes", "identity": {"sourceIp": ip}},
    }


def notes(text: str) -> list[str]:
    """The notes in the table about that text."""
    return [note.sk for note in query_all(Note, f"{NOTES}#{text}")]


if __name__ == "__main__":
    # Run as a process of its own by the test of the crash: sys.argv is the key and the body.
    build(Work())(event(sys.argv[1], sys.argv[2]), None)
