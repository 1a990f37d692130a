"""Queues, streams and schedules get their line too, and their answers pass untouched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.http import App
from shared.telemetry import current_trace


@pytest.fixture
def app() -> App:
    app = App("sample")

    @app.on_sqs_message(queue="q", name="consume")
    def consume(event: Any) -> dict[str, Any]:
        current_trace()
        return {"batchItemFailures": [{"itemIdentifier": "2"}]}

    @app.schedule("rate(1 minute)", name="tick")
    def tick(event: Any) -> None:
        raise RuntimeError("no")

    return app


def test_a_batch_has_one_line_and_its_failures_go_back(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    records = [{"messageId": str(n), "body": "{}", "receiptHandle": "r"} for n in range(3)]
    answer = app.handler_map["consume"]({"Records": records}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    (line,) = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert (line["invocation"], line["records"], line["failures"]) == ("queue", 3, 1)


def test_a_failure_is_lambdas_to_retry(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    event = dict.fromkeys(("version", "account", "region", "detail", "detail-type", "source", "time", "id"), "x")
    with pytest.raises(RuntimeError, match="no"):
        app.handler_map["tick"]({**event, "resources": []}, None)
    (line,) = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert (line["invocation"], line["level"], line["error"]) == ("schedule", "ERROR", "RuntimeError")
