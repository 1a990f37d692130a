"""Trace ids: taken over from whoever brings one, made where nobody does, each context's own."""

from __future__ import annotations

import contextvars
import threading

import pytest

from shared.telemetry import current_trace, new_trace, read_trace, trace_of_headers, traced

XRAY = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.parametrize(
    ("text", "trace"),
    [
        (XRAY, XRAY),
        (f"Root={XRAY};Parent=53995c3f42cd8ad8;Sampled=1", XRAY),
        (f"Self=1-67891234-12456789abcdef0123456789;Root={XRAY}", XRAY),
        ("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", XRAY),
        ("00-00000000000000000000000000000000-53995c3f42cd8ad8-01", None),
        ("Root=1-zz;Parent=x", None),
        ("anything else", None),
        (f"{XRAY}\nforged: line", None),
        ("x" * 100_000, None),
        ("", None),
        (None, None),
    ],
)
def test_ids_are_read_from_every_form_they_come_in(text: str | None, trace: str | None) -> None:
    assert read_trace(text) == trace


def test_xrays_header_goes_before_the_w3cs_and_a_broken_one_does_not_count() -> None:
    parent = "00-aaaaaaaabbbbbbbbbbbbbbbbbbbbbbbb-53995c3f42cd8ad8-01"
    assert trace_of_headers({"X-Amzn-Trace-Id": f"Root={XRAY}", "traceparent": parent}) == XRAY
    assert trace_of_headers({"x-amzn-trace-id": "broken", "Traceparent": parent}) == "1-aaaaaaaa-" + "b" * 24
    assert trace_of_headers({"host": "x"}) is None


def test_a_new_one_is_new_and_can_be_read() -> None:
    made = {new_trace() for _ in range(100)}
    assert len(made) == 100
    assert all(read_trace(trace) == trace for trace in made)


def test_outside_any_invocation_one_is_made_and_kept() -> None:
    def twice() -> tuple[str, str]:
        return current_trace(), current_trace()

    first, second = contextvars.Context().run(twice)
    assert first == second


def test_threads_do_not_see_each_others() -> None:
    barrier = threading.Barrier(8)
    seen: dict[str, str] = {}

    def work(number: int) -> None:
        with traced(f"1-00000000-{number:024x}") as trace:
            barrier.wait()
            seen[trace] = current_trace()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert all(mine == found for mine, found in seen.items())


def test_what_is_no_trace_id_is_replaced() -> None:
    with traced("forged\nline") as trace:
        assert read_trace(trace) == trace
