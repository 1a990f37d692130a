"""A second service, whose readiness hangs on a file, and which is written in stock Chalice style besides."""

import os
from pathlib import Path

from shared.http import PUBLIC, App, Call

app = App("notes")


def ready() -> bool:
    """Not while the file is there that NOTES_DEGRADED_FILE names."""
    named = os.environ.get("NOTES_DEGRADED_FILE")
    return named is None or not Path(named).exists()


app.health_check("paper", ready)


@app.route("/v1/notes/{note_id}", access=PUBLIC)
def read(call: Call) -> dict[str, str]:
    """Answers the note's id."""
    return {"note_id": call.path["note_id"]}


@app.route("/v1/notes/latest", access=PUBLIC, cache="public, max-age=5")
def latest(call: Call) -> dict[str, str]:
    """Answers a note that has a name of its own among those with ids."""
    return {"note_id": "latest of all"}


@app.route("/v2/notes/{note_id}/lines", access=PUBLIC)
def lines(call: Call) -> dict[str, str]:
    """Says the note's lines, which version 1 does not have."""
    return {"note_id": call.path["note_id"]}
