"""Log lines: JSON, one a line, with the trace, without personal data."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from shared import clock
from shared.auth import Identity, issue_access_token, sign_token
from shared.telemetry import invocation, log, metric, note, traced


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_json_with_time_trace_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    with traced("1-00000000-000000000000000000000001") as trace:
        log("hold_made", hold_id="hld_1", places=2)
    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["trace_id"]) == ("hold_made", "INFO", trace)
    assert (line["hold_id"], line["places"]) == ("hld_1", 2)
    assert line["time"].endswith("Z")


def test_the_level_is_chosen_by_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    log("quiet")
    log("loud", level="ERROR")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_personal_data_and_tokens_never_stand_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    access = issue_access_token(
        Identity("per_1", "anna@example.com", "Anna", "ses_1"), now=clock.now(), secrets={"k": "s"}
    ).token
    hold = sign_token("hold", Identity("per_1", "a@b.example", "A", "s"), clock.now(), secrets={"k": "s"})
    try:
        raise RuntimeError(f"mail to anna@example.com failed with {access}")
    except RuntimeError as error:
        log(
            "everything",
            error=error,
            email="x",
            buyer={"name": "Anna"},
            request={"headers": {"Authorization": f"Bearer {access}", "Hold-Token": hold}, "hold_token": hold},
            texts=[f"for anna@example.com: {hold}"],
            password="swordfish",
        )
    out = capsys.readouterr().out
    for secret in ("anna@example.com", "Anna", "swordfish", access.split(".")[2], access.split(".")[1], hold[-43:]):
        assert secret not in out
    (line,) = (json.loads(text) for text in out.splitlines())
    assert line["error"] == "RuntimeError"
    assert "Traceback" in line["stack"]


def test_ids_and_counts_of_such_things_may_stand_there(capsys: pytest.CaptureFixture[str]) -> None:
    key = f"sdk_{'1' * 26}_{'2' * 26}_{'0a' * 32}"
    log("said", detail=f"the key {key} was refused")
    (line,) = lines(capsys)
    assert "0a0a" not in line["detail"]
    log("counted", token_count=3, buyer_id="per_1", email_length=12)
    (line,) = lines(capsys)
    assert (line["token_count"], line["buyer_id"], line["email_length"]) == (3, "per_1", 12)


def test_threads_do_not_mix_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    def write() -> None:
        for _ in range(50):
            log("together", text="x" * 200)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(capsys)) == 400


class TestInvocation:
    def test_it_writes_one_line_with_what_was_noted(self, capsys: pytest.CaptureFixture[str]) -> None:
        class Context:
            aws_request_id = "req-1"

        with invocation("orders", "http", trace="1-00000000-00000000000000000000000a", context=Context()):
            note(route="/v1/orders", status=201)
        (line,) = lines(capsys)
        assert line["event"] == "invocation"
        assert line["trace_id"] == "1-00000000-00000000000000000000000a"
        assert (line["service"], line["invocation"], line["route"], line["status"]) == (
            "orders",
            "http",
            "/v1/orders",
            201,
        )
        assert line["request_id"] == "req-1"
        assert line["duration_ms"] >= 0

    def test_what_ends_it_stands_in_the_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(KeyError), invocation("orders", "queue"):
            raise KeyError("gone")
        (line,) = lines(capsys)
        assert (line["level"], line["error"]) == ("ERROR", "KeyError")

    def test_metrics_travel_on_its_line_in_cloudwatchs_format(self, capsys: pytest.CaptureFixture[str]) -> None:
        with invocation("orders", "http"):
            metric("OrdersPlaced")
            metric("OrdersPlaced", 2)
            metric("Wait", 12.5, "Milliseconds")
        (line,) = lines(capsys)
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Stagedoor/test"
        assert directive["Dimensions"] == [["service"]]
        assert {entry["Name"]: entry["Unit"] for entry in directive["Metrics"]} == {
            "OrdersPlaced": "Count",
            "Wait": "Milliseconds",
        }
        assert (line["service"], line["OrdersPlaced"], line["Wait"]) == ("orders", [1, 2], 12.5)
        assert isinstance(line["_aws"]["Timestamp"], int)

    def test_metrics_are_counted_even_where_lines_are_not_wanted(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LOG_LEVEL", "ERROR")
        with invocation("orders", "http"):
            metric("OrdersPlaced")
        (line,) = lines(capsys)
        assert line["OrdersPlaced"] == 1

    def test_a_count_stays_right_beyond_what_a_line_can_hold(self, capsys: pytest.CaptureFixture[str]) -> None:
        with invocation("orders", "http"):
            for _ in range(250):
                metric("Seen")
        (line,) = lines(capsys)
        assert len(line["Seen"]) == 100
        assert sum(line["Seen"]) == 250

    def test_outside_one_a_metric_has_a_line_of_its_own(self, capsys: pytest.CaptureFixture[str]) -> None:
        metric("Alone", 3)
        (line,) = lines(capsys)
        assert (line["event"], line["Alone"]) == ("metric", 3)

    def test_invocations_nest_without_losing_the_outer_trace(self, capsys: pytest.CaptureFixture[str]) -> None:
        with invocation("gateway", "http", trace="1-00000000-00000000000000000000000a"):
            with invocation("orders", "http", trace="1-00000000-00000000000000000000000b"):
                log("inner")
            log("outer")
        seen = {line["event"]: line["trace_id"][-1] for line in lines(capsys) if line["event"] != "invocation"}
        assert seen == {"inner": "b", "outer": "a"}
