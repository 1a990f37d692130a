"""Released documents are written when they grow, and left alone when a change would break a client."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import runtime.openapi.__main__ as command
from runtime.openapi import documents
from runtime.openapi.changes import changes

NOW: dict[str, dict[str, Any]] = {
    "orders": {
        "paths": {"/v1/orders": {"get": {"operationId": "list_orders", "responses": {"200": {}}}}},
        "components": {},
    },
    "tickets": {
        "paths": {"/v1/tickets": {"get": {"operationId": "list_tickets", "responses": {"200": {}}}}},
        "components": {},
    },
}


def grown() -> dict[str, dict[str, Any]]:
    later = copy.deepcopy(NOW)
    later["orders"]["paths"]["/v1/orders"]["post"] = {"operationId": "place_order", "responses": {"201": {}}}
    return later


def broken() -> dict[str, dict[str, Any]]:
    later = grown()
    later["tickets"]["paths"] = {}
    return later


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the documents were released."""
    assert command.release(NOW, tmp_path / "api") == 0
    return tmp_path / "api"


def kept(folder: Path) -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in folder.iterdir()}


def test_what_is_released_is_what_the_code_says(folder: Path) -> None:
    assert kept(folder) == NOW
    assert command.release(NOW, folder, checking=True) == 0


def test_growth_is_written_and_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.release(grown(), folder) == 0
    assert kept(folder) == grown()
    assert "orders: grows: POST /v1/orders is new" in capsys.readouterr().err


def test_a_check_writes_nothing_and_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.release(grown(), folder, checking=True) == 1
    assert kept(folder) == NOW
    assert "run `make api`" in capsys.readouterr().err


def test_nothing_is_written_when_one_document_would_break(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.release(broken(), folder) == 1
    assert kept(folder) == NOW
    told = capsys.readouterr().err
    assert "tickets: BREAKS: GET /v1/tickets is gone" in told
    assert "Make a v2 beside the v1" in told


def test_without_the_comparison_a_breaking_change_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "changes", lambda before, after: [])
    assert command.release(broken(), folder) == 0
    assert kept(folder) == broken()


def test_a_document_is_written_the_same_each_time() -> None:
    assert documents.text(NOW["orders"]) == documents.text(copy.deepcopy(NOW["orders"]))
    assert changes(NOW["orders"], json.loads(documents.text(NOW["orders"]))) == []


def test_types_are_written_and_those_of_no_service_taken_away(tmp_path: Path) -> None:
    (tmp_path / "gone.ts").write_text("export type Gone = string;")
    assert command.write_types(NOW, tmp_path, checking=True) == 1
    assert command.write_types(NOW, tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"orders.ts", "tickets.ts"}
    assert command.write_types(NOW, tmp_path, checking=True) == 0
