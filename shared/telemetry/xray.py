"""X-Ray segments, and none of the SDK's 335 ms of import where tracing is off."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any


def xray_enabled() -> bool:
    """Whether XRAY_ENABLED says that segments are to be sent."""
    return os.environ.get("XRAY_ENABLED") == "1"


def segment(name: str, **annotations: str | int | bool) -> AbstractContextManager[Any]:
    """A part of the work at hand, shown as a subsegment of its trace; does nothing where tracing is off."""
    if not xray_enabled():
        return nullcontext()
    return _subsegment(name, annotations)


def root_segment(service: str, trace: str) -> AbstractContextManager[Any]:
    """The segment of a whole invocation. Lambda makes it itself, so there this is a subsegment."""
    if not xray_enabled():
        return nullcontext()
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return _subsegment(service, {})
    return _segment(service, trace)


@contextmanager
def _segment(service: str, trace: str) -> Iterator[Any]:
    recorder = _recorder()
    opened = recorder.begin_segment(name=service, traceid=trace)
    try:
        yield opened
    except BaseException as error:
        opened.add_exception(error, [])
        raise
    finally:
        recorder.end_segment()


@contextmanager
def _subsegment(name: str, annotations: dict[str, str | int | bool]) -> Iterator[Any]:
    recorder = _recorder()
    with recorder.in_subsegment(name) as opened:
        # None where the trace is not sampled or there is no segment to belong to.
        if opened is not None:
            for key, value in annotations.items():
                opened.put_annotation(key, value)
        yield opened


def _recorder() -> Any:
    from aws_xray_sdk.core import xray_recorder

    if xray_recorder.context.context_missing != "LOG_ERROR":
        # The default raises where work is done outside any trace; tracing must never break the work.
        xray_recorder.configure(context_missing="LOG_ERROR")
    return xray_recorder
