"""The function Chalice calls for a route: reads the request, runs the handler, writes the answer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from shared import telemetry
from shared.auth import CONTEXT_KEY, Identity, token_secrets, unpack_identity
from shared.http.answer import Encoded, encode, encode_problem, suited, with_trace
from shared.http.call import Call
from shared.http.fields import EXPAND, FIELDS, Selection
from shared.http.idempotency import IdempotencyStore, Lease, read_key, request_hash, run_once
from shared.http.operations import Operation
from shared.http.parsing import BodyReader, ParameterReader, check_headers, check_size, clean_path, refuse_parameters
from shared.http.problems import InternalError, ScopeMissing
from shared.http.remembered import Remembered
from shared.http.retirement import announcement
from shared.http.throttle import Admitted, Gate, tell, undeclared

if TYPE_CHECKING:
    from shared.http.app import App

View = Callable[..., Encoded]


def build_view(app: "App", operation: Operation, body_bytes_max: int) -> View:
    """The view of an operation. It never raises: whatever goes wrong becomes a problem document."""
    runner = _Runner(app, operation, body_bytes_max)

    def view(**path: str) -> Encoded:
        return runner.answer(app.current_request, path)

    return view


class _Runner:
    """All that can be prepared for an operation before its first request."""

    def __init__(self, app: "App", operation: Operation, body_bytes_max: int) -> None:
        self._app = app
        self._operation = operation
        self._bytes_max = body_bytes_max
        self._scope = operation.scope
        self._body = BodyReader(operation.body, body_bytes_max) if operation.body is not None else None
        self._query = ParameterReader(operation.query, "query") if operation.query is not None else None
        self._parameters = ParameterReader(operation.parameters, "path") if operation.parameters is not None else None
        public, method = not operation.access.needs_sign_in, operation.method
        self._gate = Gate(operation.throttle or undeclared(public=public, method=method, cache=operation.cache))
        self._selection = Selection(operation.answers, operation.expand) if operation.has_fields else None
        self._remembered = Remembered(operation.memory_seconds) if operation.memory_seconds else None
        if self._remembered is not None:
            app.when_changed.append(self._remembered.forget)
        self._retires = bool(operation.deprecated or operation.sunset or operation.successor)

    def answer(self, request: Any, path: dict[str, str]) -> Encoded:
        admitted: Admitted | None = None
        try:
            call = Call(request, _identity(request))
            admitted = self._gate.admit(call)
            encoded = self._answered(call, request, path)
        except Exception as error:  # nothing may pass that would reach the client as it is
            encoded = self._problem(error)
        if admitted is not None:
            tell(encoded.all_headers, admitted)
        encoded.all_headers["Trace-Id"] = telemetry.current_trace()
        if self._retires:
            headers = encoded.all_headers
            said = announcement(self._operation, path)
            links = [links for links in (headers.get("Link"), said.pop("Link", None)) if links]
            headers.update(said, **({"Link": ", ".join(links)} if links else {}))
        # After all else, because what is kept under an Idempotency-Key may be asked for again in another coding.
        return suited(encoded, request.headers, self._operation.method)

    def _answered(self, call: Call, request: Any, path: dict[str, str]) -> Encoded:
        remembered = self._remembered
        if remembered is None:
            try:
                return self._run(call, request, path)
            finally:
                if self._operation.method != "GET":
                    self._app.changed()
        # Before the look, because the question is kept whole: with headers of any length, memory would have no bound.
        check_headers(request._event_dict.get("headers") or {})
        encoded = remembered.find(request, call.now)
        if encoded is None:
            encoded = self._run(call, request, path)
            remembered.keep(request, encoded, call.now)
        return encoded

    def _problem(self, error: Exception) -> Encoded:
        trace = telemetry.current_trace()
        try:
            problem = self._app.mapper.problem_for(error)
            telemetry.note(problem=problem.slug)
            return encode_problem(problem, trace)
        except Exception as second:  # such as an `extra` that cannot be encoded
            telemetry.log("problem_not_written", level="ERROR", error=second)
            return with_trace(encode_problem(InternalError(), trace), trace)

    def _run(self, call: Call, request: Any, path: dict[str, str]) -> Encoded:
        operation = self._operation
        check_headers(request._event_dict.get("headers") or {})
        if path:
            path = clean_path(path)
            call.path = path
        # A stranger is sent to sign in before anything is said about the request.
        if operation.access.needs_sign_in:
            call.person  # noqa: B018 — raises Unauthorized
        if self._parameters is not None:
            call.parameters = self._parameters.read({name: [value] for name, value in path.items()})
        given = request._event_dict.get("multiValueQueryStringParameters") or {}
        chosen = None
        if self._selection is not None and (FIELDS in given or EXPAND in given):
            chosen, call.expand = self._selection.read(given)
            given = {name: texts for name, texts in given.items() if name not in (FIELDS, EXPAND)}
        if self._query is not None:
            call.query = self._query.read(given)
        elif given and operation.takes_no_query:
            refuse_parameters(given)
        raw = call.raw_body
        if self._body is not None:
            call.body = self._body.read(raw, request.headers.get("content-type"))
        elif raw:
            check_size(raw, self._bytes_max)
        if call.identity is not None and operation.needs_scope and not call.identity.has_scope(self._scope):
            raise ScopeMissing(f"The API key needs the scope {self._scope}.", scope=self._scope)
        operation.access.check(call.identity, path, call.query, call.body)
        policy = operation.idempotency
        if policy is None:
            encoded = self._work(call)
            if self._selection is not None and (chosen is not None or call.expand):
                return self._selection.applied(encoded, chosen, call.expand)
            return encoded
        call.idempotency_key = read_key(request.headers.get("idempotency-key"), policy)
        if policy.store is None or call.idempotency_key is None:
            return self._work(call)
        return self._keyed(call, raw, policy.store)

    def _keyed(self, call: Call, raw: bytes, store: IdempotencyStore) -> Encoded:
        operation = self._operation
        key = f"{call.caller}#{operation.method} {operation.path}#{call.idempotency_key}"
        query = call._request._event_dict.get("multiValueQueryStringParameters") or {}
        parts = (repr(sorted(call.path.items())), repr(sorted(query.items())), raw)
        hashes = [request_hash(*parts, secret=secret) for secret in token_secrets().values()]

        def work(lease: Lease) -> Encoded:
            call.operation_id = lease.operation_id
            try:
                return self._work(call)
            except Exception as error:  # a refusal is an answer too, and is kept like one
                return self._problem(error)

        return run_once(store, key, hashes, call.now, work)

    def _work(self, call: Call) -> Encoded:
        operation = self._operation
        result = operation.handler(call)
        return encode(result, operation.status, operation.cache, operation.method)


def _identity(request: Any) -> Identity | None:
    context = request.context.get("authorizer")
    packed = context.get(CONTEXT_KEY) if context else None
    if not packed:
        return None
    try:
        return unpack_identity(packed)
    except msgspec.MsgspecError as error:
        # Only our own authorizer writes it, so this is a mistake of ours and nobody's sign-in.
        telemetry.log("identity_unreadable", level="ERROR", error=error)
        return None
