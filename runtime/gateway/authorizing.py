"""Authorizers, run and cached as API Gateway does it."""

import re
import threading
import time
from collections import OrderedDict
from functools import lru_cache
from typing import Any

from runtime.gateway.events import Incoming, LambdaContext, method_arn, new_request_id
from runtime.gateway.routing import Target
from shared import telemetry
from shared.auth import AUTHORIZER_SECONDS
from shared.http.problems import Forbidden, InternalError, Unauthorized

# With the age of what a process has heard of revocations it makes less than the minute that is promised.
CACHED_SECONDS_MAX = AUTHORIZER_SECONDS
CACHED_TOKENS_MAX = 10_000

Verdict = dict[str, Any]


class Authorizers:
    """Asks a route's authorizer who is calling; remembers its answers by token."""

    def __init__(self, stage: str, seconds: float) -> None:
        self._stage = stage
        self._seconds = seconds
        self._lock = threading.Lock()
        self._cached: OrderedDict[tuple[str, str, str], tuple[float, Verdict]] = OrderedDict()

    def authorize(self, incoming: Incoming, target: Target, authorizer: Any) -> dict[str, Any]:
        """The authorizer's context for the event.

        Raises Unauthorized when there is no token or the authorizer says so, Forbidden when its policy does not allow
        this request, InternalError when it fails.
        """
        token = incoming.header(authorizer.config.header.lower())
        if not token:
            raise Unauthorized()
        arn = method_arn(target, self._stage, incoming)
        key = (target.service, authorizer.name, token)
        verdict = self._recall(key)
        if verdict is None:
            verdict = self._ask(authorizer, target, token, arn)
            self._remember(key, verdict, authorizer.config.ttl_seconds)
        if not allows(verdict.get("policyDocument") or {}, arn):
            raise Forbidden()
        return {**(verdict.get("context") or {}), "principalId": verdict.get("principalId")}

    def _ask(self, authorizer: Any, target: Target, token: str, arn: str) -> Verdict:
        event = {"type": "TOKEN", "authorizationToken": token, "methodArn": arn}
        context = LambdaContext(f"{target.app.app_name}-{authorizer.name}", new_request_id(), self._seconds)
        try:
            verdict: Verdict = authorizer(event, context)
        except Exception as error:  # API Gateway knows two kinds: this very text, and everything else
            if str(error) == "Unauthorized":
                raise Unauthorized("The access token is not valid, or no longer: refresh it, or sign in.") from error
            telemetry.log("authorizer_failed", level="ERROR", error=error, service=target.service)
            raise InternalError() from error
        return verdict

    def _recall(self, key: tuple[str, str, str]) -> Verdict | None:
        with self._lock:
            cached = self._cached.get(key)
            if cached is None:
                return None
            if cached[0] <= time.monotonic():
                del self._cached[key]
                return None
            return cached[1]

    def _remember(self, key: tuple[str, str, str], verdict: Verdict, ttl_seconds: int | None) -> None:
        seconds = CACHED_SECONDS_MAX if ttl_seconds is None else min(ttl_seconds, CACHED_SECONDS_MAX)
        if seconds <= 0:
            return
        with self._lock:
            self._cached[key] = (time.monotonic() + seconds, verdict)
            while len(self._cached) > CACHED_TOKENS_MAX:
                self._cached.popitem(last=False)


def allows(policy: dict[str, Any], arn: str) -> bool:
    """Whether a policy allows invoking that method: some statement allows it and none denies it."""
    allowed = False
    for statement in policy.get("Statement") or []:
        actions = statement.get("Action") or []
        resources = statement.get("Resource") or []
        if not _any_matches(actions, "execute-api:Invoke") or not _any_matches(resources, arn):
            continue
        if statement.get("Effect") != "Allow":
            return False
        allowed = True
    return allowed


def _any_matches(patterns: str | list[str], text: str) -> bool:
    return any(_matches(pattern, text) for pattern in ([patterns] if isinstance(patterns, str) else patterns))


def _matches(pattern: str, text: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    return _expression(pattern).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
