"""GET /openapi.json: the document of the services this gateway serves."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from runtime.gateway.dispatch import Gateway
from runtime.gateway.events import Incoming
from runtime.gateway.options import Options
from runtime.gateway.outgoing import Outgoing
from runtime.gateway.services import Loaded
from shared.http import PUBLIC, App, Call


def get(gateway: Gateway, *headers: tuple[str, str], method: str = "GET") -> Outgoing:
    return gateway.answer(Incoming(method, "/openapi.json", "", list(headers), b"", "127.0.0.1"))


def serving(tmp_path: Path, *broken: str) -> Gateway:
    app = App("notes")

    @app.route("/v1/notes", access=PUBLIC, answers=list[str])
    def list_notes(call: Call) -> list[str]:
        """The notes."""
        return []

    return Gateway(Loaded({"notes": app}, list(broken)), Options(web=str(tmp_path)))


def test_it_tells_of_every_service_and_of_the_whole_health(tmp_path: Path) -> None:
    answer = get(serving(tmp_path))
    assert answer.status == 200
    assert dict(answer.headers)["Content-Type"] == "application/json"
    document = msgspec.json.decode(answer.body)
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {"/v1/notes", "/health"}


def test_whoever_has_it_is_told_so(tmp_path: Path) -> None:
    gateway = serving(tmp_path)
    headers = dict(get(gateway).headers)
    assert headers["Cache-Control"] == "public, max-age=300"
    again = get(gateway, ("if-none-match", headers["ETag"]))
    assert (again.status, again.body) == (304, b"")
    assert dict(again.headers)["ETag"] == headers["ETag"]
    assert get(gateway, ("if-none-match", '"another"')).status == 200


def test_it_is_only_read(tmp_path: Path) -> None:
    refused = get(serving(tmp_path), method="POST")
    assert refused.status == 405
    assert dict(refused.headers)["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("broken", [("tickets",), ("orders", "tickets")])
def test_a_document_without_a_service_is_not_given_out(tmp_path: Path, broken: tuple[str, ...]) -> None:
    refused = get(serving(tmp_path, *broken))
    assert refused.status == 503
    assert b"unavailable" in refused.body
