"""The Chalice app of a service, with what every route needs built in."""

import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Unpack

from chalice.app import (
    Chalice,
    ChaliceAuthorizer,
    CORSConfig,
    Request,
    Response,
    RestAPIEventHandler,
)

from shared import clock, telemetry
from shared.auth.errors import AccessRefused
from shared.auth.revocations import heard_revocations
from shared.http.access import PUBLIC, SIGNED_IN
from shared.http.answer import Encoded, encode_problem, with_trace, without_body
from shared.http.health import Health, HealthView
from shared.http.mapping import ProblemMapper
from shared.http.operations import Declared, Handler, Operation, ProblemMap
from shared.http.parsing import BODY_BYTES_MAX
from shared.http.problems import InternalError, MethodNotAllowed, NotFound, Problem, Unauthorized
from shared.http.retirement import check_dates
from shared.http.throttle import EXEMPT
from shared.http.view import build_view

# Bearer tokens, never cookies: a foreign page can do no more with the API than its own user's token allows.
CORS = CORSConfig(
    allow_origin="*",
    allow_headers=[
        "Accept",
        "Hold-Token",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "Pass",
        "Replaces",
        "traceparent",
    ],
    expose_headers=[
        "Deprecation",
        "ETag",
        "Idempotency-Replayed",
        "Link",
        "Location",
        "RateLimit",
        "RateLimit-Policy",
        "Retry-After",
        "Sunset",
        "Trace-Id",
    ],
    max_age=600,
)
_TRIGGER_KINDS = {"sqs": "queue", "dynamodb": "stream", "scheduled": "schedule", "cloudwatch": "event"}


class App(Chalice):
    """The app of the service `stagedoor-<name>`.

    `problems` says which problem document each exception of the domain becomes: `{HoldExpired: (409, "hold-expired",
    "The hold has run out")}`; subclasses follow their base. `operations` lists the routes, for checks and OpenAPI.
    Several threads may run one app: `current_request` and `lambda_context` are each thread's own.
    """

    def __init__(self, name: str, *, problems: ProblemMap | None = None, cors: CORSConfig | None = CORS) -> None:
        self._request_of_context: ContextVar[Any] = ContextVar(f"stagedoor_request_{name}", default=None)
        self._lambda_of_context: ContextVar[Any] = ContextVar(f"stagedoor_lambda_{name}", default=None)
        super().__init__(app_name=f"stagedoor-{name}", configure_logs=False)
        self.service = name
        self.operations: list[Operation] = []
        self.mapper = ProblemMapper(problems or {})
        self.health = Health(name)
        self.when_changed: list[Callable[[], None]] = []
        self.api.cors = cors if cors is not None else False
        # API Gateway then hands on every answer as it is; with a list of types, it would look at the Accept header.
        self.api.binary_types = ["*/*"]
        self._authorizer: Any = None
        self._is_watched = False
        _mend_chalice_local()
        for chalice_name, kind in _TRIGGER_KINDS.items():
            self.register_middleware(self._trigger_middleware(kind), chalice_name)
        self._register_health()

    @property
    def current_request(self) -> Any:
        """The request this thread (or task) is answering, None outside any."""
        return self._request_of_context.get()

    @current_request.setter
    def current_request(self, request: Request | None) -> None:
        self._request_of_context.set(request)

    @property
    def lambda_context(self) -> Any:
        """Lambda's context of the request this thread is answering, None outside any."""
        return self._lambda_of_context.get()

    @lambda_context.setter
    def lambda_context(self, context: Any) -> None:
        self._lambda_of_context.set(context)

    def register_middleware(self, func: Any, event_type: str = "all") -> None:
        """Puts a function around what the triggers of that type do; around requests, they take Chalice's own way."""
        super().register_middleware(func, event_type)
        self._is_watched = self._is_watched or event_type in ("http", "all")

    def health_check(self, name: str, check: Callable[[], Any]) -> None:
        """Adds to GET /health what must hold for the service to be ready: `check` answers False or raises if not."""
        self.health.add(name, check)

    def changed(self) -> None:
        """Says that this process may have changed what is stored: nobody may be told what it remembers of before."""
        for forget in self.when_changed:
            forget()

    def route(  # type: ignore[override]
        self,
        path: str,
        *,
        methods: Sequence[str] = ("GET",),
        summary: str = "",
        body_bytes_max: int = BODY_BYTES_MAX,
        name: str | None = None,
        **declared: Unpack[Declared],
    ) -> Callable[[Handler], Handler]:
        """Declares a route; the handler takes a Call and answers a struct, an Answer, or None.

        `body`, `query` and `parameters` are the types the request is read into, `answers` what the answer's body is
        (for OpenAPI), `status` the answer's status, `cache` its Cache-Control (absent: nobody's cache keeps it).
        `memory_seconds` is for how long this process gives a public answer to others without asking the handler again.
        `expand` names what the handler puts in beyond that where `call.expand` has it.
        `deprecated` and `sunset` are dates as their headers have them (RFC 9745, RFC 8594), `successor` is the path of
        the later version that takes the route's place. `throttle` says what a request costs, and absent it costs one
        token. `headers` are those that the handler reads, `raw_body` the media type of a body it reads itself,
        `other_statuses` those of answers with the same body: they are for OpenAPI alone, like `errors`.
        Raises ValueError for a route that needs a signed-in caller while the app has no authorizer yet, for a cost that
        no plan could pay, for an answer remembered too long, and for dates that no client could read.
        """
        if declared.get("access", SIGNED_IN).needs_sign_in and self._authorizer is None:
            raise ValueError(f"declare the authorizer of stagedoor-{self.service} before the route {path}")
        check_dates(declared.get("deprecated"), declared.get("sunset"))

        def declare(handler: Handler) -> Handler:
            for method in methods:
                operation = Operation(
                    service=self.service,
                    name=name or handler.__name__,
                    method=method,
                    path=path,
                    summary=summary or (handler.__doc__ or handler.__name__).strip().partition("\n")[0],
                    description=(handler.__doc__ or "").strip(),
                    handler=handler,
                    **declared,
                )
                self._declare(operation, body_bytes_max)
            return handler

        return declare

    def _declare(self, operation: Operation, body_bytes_max: int) -> None:
        self.operations.append(operation)
        view = build_view(self, operation, body_bytes_max)
        view.__name__ = operation.name
        authorizer = self._authorizer if operation.access.needs_sign_in else None
        # An empty list of content types, because Chalice's own 415 is no problem document; the view sees to it.
        declare = super().route(
            operation.path,
            # Whoever may GET may ask for the head of the answer alone (RFC 9110, 9.3.2).
            methods=["GET", "HEAD"] if operation.method == "GET" else [operation.method],
            authorizer=authorizer,
            content_types=[],
            name=f"{operation.name}_{operation.method.lower()}",
        )
        declare(view)

    def __call__(self, event: Any, context: Any) -> Any:
        """Answers one request as Lambda's proxy integration brings it."""
        request_context = event.get("requestContext") or {}
        trace = telemetry.trace_of_headers(event.get("headers") or {})
        request_token = self._request_of_context.set(None)
        lambda_token = self._lambda_of_context.set(context)
        try:
            with telemetry.invocation(self.service, "http", trace=trace, context=context) as working:
                fields = working.fields
                fields["route"] = request_context.get("resourcePath")
                fields["method"] = request_context.get("httpMethod")
                gateway_id = request_context.get("requestId")
                if gateway_id is not None:
                    fields["gateway_request_id"] = gateway_id
                answer = self._answer_directly(event, context)
                if answer is None:
                    answer = self._answer_through_chalice(event, context)
                fields["status"] = answer["statusCode"]
                return without_body(answer) if fields["method"] == "HEAD" else answer
        finally:
            self._lambda_of_context.reset(lambda_token)
            self._request_of_context.reset(request_token)

    def _answer_directly(self, event: Any, context: Any) -> dict[str, Any] | None:
        """What Chalice's dispatch comes to for a route of ours and no middleware, at a third of the cost; else None.

        A view of ours answers whatever happens, in bytes, and any type is handed on, so that most of what Chalice
        prepares for is out of the question.
        """
        request_context = event.get("requestContext") or {}
        methods = self.routes.get(request_context.get("resourcePath") or "", {})
        entry = methods.get(request_context.get("httpMethod") or "")
        if entry is None or self._is_watched:
            return None
        try:
            request = Request(event, context)
            parameters = {name: event["pathParameters"][name] for name in entry.view_args}
        except (KeyError, TypeError):
            # No event as API Gateway sends them; Chalice's own way finds words for it.
            return None
        self.current_request = request
        try:
            encoded = entry.view_function(**parameters)
        except Exception as error:  # a view catches everything itself, and must not be run twice if it did not
            encoded = _unhandled(error, request.path)
        if entry.cors is not None:
            encoded.headers.update(_headers_of_cors(entry.cors))
        answer: dict[str, Any] = encoded.to_dict()
        return answer

    def _answer_through_chalice(self, event: Any, context: Any) -> Any:
        handler = _RestHandler(
            self.routes, self.api, self.log, False, middleware_handlers=self._get_middleware_handlers("http")
        )
        self.current_request = handler.create_request_object(event, context)
        return handler(event, context)

    def _wrap_handler(self, handler_type: str, handler_name: str, user_handler: Callable[..., Any]) -> Any:
        if handler_type == "authorizer":
            wrapped = _Authorizer(handler_name, user_handler)
            self._authorizer = wrapped
            # Without the feed requests are answered all the same, so that this alone is no reason to send none.
            self.health.add("revocations", lambda: heard_revocations().are_heard(clock.now()), vital=False)
            return wrapped
        return super()._wrap_handler(handler_type, handler_name, user_handler)

    def _trigger_middleware(self, kind: str) -> Callable[[Any, Callable[[Any], Any]], Any]:
        def observe(event: Any, get_response: Callable[[Any], Any]) -> Any:
            with telemetry.invocation(self.service, kind, context=event.context) as working:
                records = event.to_dict().get("Records")
                if records is not None:
                    working.fields["records"] = len(records)
                try:
                    result = get_response(event)
                finally:
                    self.changed()
                if isinstance(result, dict) and "batchItemFailures" in result:
                    working.fields["failures"] = len(result["batchItemFailures"])
                return result

        return observe

    def _register_health(self) -> None:
        self.route(
            "/health",
            access=PUBLIC,
            answers=HealthView,
            cache="no-store",
            throttle=EXEMPT,
            summary="Whether the service is ready",
            other_statuses=(503,),
            name="health",
        )(lambda call: self.health.answer())


_cors_headers: dict[int, tuple[CORSConfig, dict[str, str]]] = {}


def _headers_of_cors(cors: CORSConfig) -> dict[str, str]:
    """The headers of a configuration, which never changes once it is declared; Chalice puts them together each time."""
    kept = _cors_headers.get(id(cors))
    if kept is None or kept[0] is not cors:
        kept = _cors_headers[id(cors)] = (cors, cors.get_access_control_headers())
    return kept[1]


def _mend_chalice_local() -> None:
    """Spares `chalice local` the 40 ms that Nagle's algorithm and delayed ACKs cost each request kept alive."""
    local = sys.modules.get("chalice.local")
    if local is not None:
        local.ChaliceRequestHandler.disable_nagle_algorithm = True


class _Authorizer(ChaliceAuthorizer):
    """Chalice's authorizer, whose refusal `chalice local` and the test clients show as API Gateway's 401."""

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        try:
            return super().__call__(event, context)
        except AccessRefused as refused:
            local = sys.modules.get("chalice.local")
            if local is None or not isinstance(context, local.LambdaContext):
                raise
            problem = encode_problem(Unauthorized(), telemetry.new_trace())
            raise local.NotAuthorizedError(problem.all_headers, problem.content) from refused


def _unhandled(error: BaseException | None, route: str | None) -> Encoded:
    trace = telemetry.current_trace()
    telemetry.log("unhandled_error", level="ERROR", error=error, route=route)
    return with_trace(encode_problem(InternalError(), trace), trace)


class _RestHandler(RestAPIEventHandler):
    """Chalice's dispatch, with problem documents where it would answer in a form of its own."""

    def _validate_binary_response(self, request_headers: Any, response_headers: Any) -> bool:
        # The API passes every type through, so no answer depends on what the client says it accepts.
        return True

    def _unhandled_exception_to_response(self) -> Response:
        return _unhandled(sys.exc_info()[1], getattr(self.current_request, "path", None))

    def _main_rest_api_handler(self, event: Any, context: Any) -> Response:
        request_context = event.get("requestContext") or {}
        methods = self.routes.get(request_context.get("resourcePath") or "", {})
        if request_context.get("httpMethod") not in methods:
            return self._no_such_method(methods)
        return super()._main_rest_api_handler(event, context)

    def _no_such_method(self, methods: Any) -> Response:
        trace = telemetry.current_trace()
        problem: Problem = NotFound("There is no such route.")
        if methods:
            problem = MethodNotAllowed(headers={"Allow": ", ".join(sorted(methods))})
        return with_trace(encode_problem(problem, trace), trace)
