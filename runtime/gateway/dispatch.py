"""One request, from the moment it is read to its answer."""

import re
from typing import Any

from runtime.gateway import api_document
from runtime.gateway.authorizing import Authorizers
from runtime.gateway.events import Incoming, LambdaContext, MalformedQuery, build_event, new_request_id
from runtime.gateway.health import Health
from runtime.gateway.options import Options
from runtime.gateway.outgoing import MalformedAnswer, Outgoing, from_lambda, from_problem
from runtime.gateway.routing import HEALTH, Router, Target
from runtime.gateway.services import Loaded
from runtime.gateway.static import WebApp
from shared import telemetry
from shared.http.problems import (
    BadRequest,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Problem,
    Unauthorized,
    Unavailable,
)

_VERSION = re.compile(r"/(v\d+)(?:/|$)")


class Gateway:
    """Answers requests for all services; safe to call from several threads."""

    def __init__(self, loaded: Loaded, options: Options) -> None:
        self._loaded = loaded
        self._options = options
        self._router = Router(loaded.apps)
        self._authorizers = Authorizers(options.stage, options.answer_seconds_max)
        self._health = Health(loaded, options.stage)
        self._api_document = api_document.ApiDocument(loaded)
        self._web = WebApp(options.web)
        self._versions = sorted(
            {found[1] for app in loaded.apps.values() for path in app.routes if (found := _VERSION.match(path))}
        )

    def answer(self, incoming: Incoming) -> Outgoing:
        """The answer to a request; whatever happens, there is one."""
        trace = telemetry.trace_of_headers(dict(incoming.headers))
        if trace is None:
            trace = telemetry.new_trace()
            incoming.headers.append(("x-amzn-trace-id", f"Root={trace}"))
        with telemetry.traced(trace):
            try:
                return self._answer(incoming)
            except Problem as problem:
                return from_problem(problem, trace)
            except Exception as error:  # the client gets a problem document, the log gets the rest
                telemetry.log("gateway_failed", level="ERROR", error=error)
                return from_problem(InternalError(), trace)

    def _answer(self, incoming: Incoming) -> Outgoing:
        if incoming.path in (HEALTH, HEALTH + "/"):
            if incoming.method not in ("GET", "HEAD"):
                raise MethodNotAllowed(headers={"Allow": "GET, HEAD"})
            return self._health.answer()
        target = self._router.find(incoming.path)
        if target is None:
            if incoming.path == api_document.PATH:
                return self._document(incoming)
            page = self._web.answer(incoming)
            if page is not None:
                return page
            raise self._not_found(incoming.path)
        if incoming.method not in target.methods:
            if incoming.method == "OPTIONS":
                return _preflight(target)
            raise MethodNotAllowed(headers={"Allow": ", ".join(sorted({*target.methods, "OPTIONS"}))})
        return self._invoke(incoming, target)

    def _document(self, incoming: Incoming) -> Outgoing:
        if incoming.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(headers={"Allow": "GET, HEAD"})
        return self._api_document.answer(incoming)

    def _invoke(self, incoming: Incoming, target: Target) -> Outgoing:
        request_id = new_request_id()
        try:
            event = build_event(incoming, target, self._options.stage, request_id)
        except MalformedQuery as error:
            raise BadRequest(f"The query string cannot be read: {error}.") from error
        authorizer = target.methods[incoming.method].authorizer
        if authorizer is not None:
            try:
                event["requestContext"]["authorizer"] = self._authorizers.authorize(incoming, target, authorizer)
            except (Unauthorized, Forbidden) as refused:
                telemetry.log("request_refused", service=target.service, route=target.resource, status=refused.status)
                raise
        context = LambdaContext(target.app.app_name, request_id, self._options.answer_seconds_max)
        try:
            return from_lambda(target.app(event, context))
        except MalformedAnswer as error:
            telemetry.log("malformed_answer", level="ERROR", error=error, service=target.service)
            raise InternalError(status=502) from error

    def _not_found(self, path: str) -> Problem:
        version = _VERSION.match(path)
        if version is not None and self._versions and version[1] not in self._versions:
            return NotFound(
                f"There is no version {version[1]} of the API.",
                slug="unknown-version",
                title="There is no such version",
                versions=self._versions,
            )
        there = [] if version is None else [one for one in self._versions if self._has(one, path, version)]
        if there and version is not None:
            return NotFound(
                f"Version {version[1]} of the API does not have this; {' and '.join(there)} has it.",
                slug="unknown-version",
                title="There is no such version",
                versions=there,
            )
        if self._loaded.broken:
            # It may be a route of a service that did not load: to say that it does not exist would be wrong.
            return Unavailable("A part of the system did not start.", retry_after=5)
        return NotFound("There is no such route.")

    def _has(self, other: str, path: str, version: re.Match[str]) -> bool:
        """Whether the path is a route in another version than the one it names."""
        return self._router.find(f"/{other}{path[version.end(1) :]}") is not None


def _preflight(target: Target) -> Outgoing:
    shared: list[Any] = [entry.cors for entry in target.methods.values() if entry.cors is not None]
    if not shared:
        raise MethodNotAllowed(headers={"Allow": ", ".join(sorted(target.methods))})
    methods = sorted({*(name for name, entry in target.methods.items() if entry.cors is not None), "OPTIONS"})
    headers = [(name, str(value)) for name, value in shared[0].get_access_control_headers().items()]
    return Outgoing(
        204, [*headers, ("Access-Control-Allow-Methods", ", ".join(methods)), ("Allow", ", ".join(methods))], b""
    )
