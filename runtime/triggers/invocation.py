"""One invocation of a function: the event as Lambda gives it, a context, and what the answer means for the batch."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.deployment.extras import ACCOUNT_PLACEHOLDER
from runtime.triggers.sources import Function
from shared.telemetry import log


class Context:
    """The context object of one invocation, with the remaining time of the function's real time-out."""

    def __init__(self, function: Function, region: str) -> None:
        self.function_name = f"stagedoor-{function.service}-{function.name}"
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:{region}:{ACCOUNT_PLACEHOLDER}:function:{self.function_name}"
        self.memory_limit_in_mb = str(function.settings.memory_megabytes)
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self.log_stream_name = f"local/{self.aws_request_id}"
        self.identity = None
        self.client_context = None
        self._ends_at = time.monotonic() + function.settings.timeout_seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda would end the invocation, never below 0."""
        return max(0, int((self._ends_at - time.monotonic()) * 1000))


class InvocationFailed(Exception):
    """The function raised, or ran past its time-out: nothing of the batch counts as done."""


def invoke(function: Function, event: dict[str, Any], region: str) -> Any:
    """The function's answer. Raises InvocationFailed for whatever it raises.

    A function past its time-out cannot be stopped here as Lambda stops it, but its answer is thrown away all the same.
    """
    context = Context(function, region)
    try:
        answer = function.handler(event, context)
    except Exception as error:
        _say(context, error)
        raise InvocationFailed(f"{function.full_name}: {type(error).__name__}: {error}") from error
    if context.get_remaining_time_in_millis() == 0:
        late = TimeoutError(f"ran past its time-out of {function.settings.timeout_seconds} s")
        _say(context, late)
        raise InvocationFailed(f"{function.full_name} {late}")
    return answer


def _say(context: Context, error: BaseException) -> None:
    log(
        "trigger_invocation_failed",
        level="ERROR",
        error=error,
        function=context.function_name,
        request_id=context.aws_request_id,
    )


def failed_identifiers(answer: Any, identifiers: Sequence[str]) -> set[str]:
    """Which of a batch's records an answer reports as failed.

    Lambda's rules: no answer and an empty list mean that all succeeded; an answer it cannot read, and an identifier
    that is empty or not of the batch, mean that all failed.
    """
    everything = set(identifiers)
    if not answer:
        return set()
    if not isinstance(answer, Mapping):
        return everything
    reported = answer.get("batchItemFailures")
    if not reported:
        return set()
    failed: set[str] = set()
    try:
        failed = {item["itemIdentifier"] for item in reported}
    except (TypeError, KeyError):
        return everything
    return failed if failed <= everything else everything
