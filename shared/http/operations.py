"""What is known of each route: enough to check requests and to describe them in OpenAPI."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from shared.http.access import SIGNED_IN, Access
from shared.http.problems import Problem
from shared.http.request_headers import RequestHeader

if TYPE_CHECKING:
    from shared.http.call import Call
    from shared.http.idempotency import Idempotency
    from shared.http.throttle import Throttle

Handler = Callable[["Call"], Any]
# An exception of the domain → (status, slug, title) of its problem document.
ProblemMap = Mapping[type[Exception], tuple[int, str, str]]


class Declared(TypedDict, total=False):
    """What a route may declare of its operations; the words are those of `Operation`."""

    status: int
    access: Access
    body: Any
    query: type[msgspec.Struct] | None
    parameters: type[msgspec.Struct] | None
    answers: Any
    errors: Sequence[type[Exception]]
    media_types: Sequence[str]
    cache: str | None
    memory_seconds: float
    idempotency: "Idempotency | None"
    expand: Sequence[str]
    deprecated: str | None
    sunset: str | None
    successor: str | None
    throttle: "Throttle | None"
    headers: Sequence[RequestHeader]
    raw_body: str | None
    other_statuses: Sequence[int]
    needs_scope: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route.

    `body`, `query` and `parameters` are the structs of the request, `answers` the type of the answer's body, `errors`
    the problems it can be refused with beyond those every route has, `media_types` the types of raw answers, `expand`
    what `?expand=` may name. Every GET with `answers` takes `?fields=`. `deprecated` and `sunset` are as their headers
    have them, `successor` is the path of the later version that takes its place. `raw_body` is the type of a body the
    handler reads itself, `headers` those it reads, `other_statuses` those of answers with the same body. An answer that
    is public is given to other strangers by the same process for `memory_seconds`. Without `needs_scope` every API key
    may call it, whatever its scopes.
    """

    handler: Handler = field(repr=False)
    service: str
    name: str
    method: str
    path: str
    summary: str
    description: str
    status: int = 200
    access: Access = SIGNED_IN
    body: Any = None
    query: type[msgspec.Struct] | None = None
    parameters: type[msgspec.Struct] | None = None
    answers: Any = None
    errors: Sequence[type[Exception] | type[Problem]] = ()
    media_types: Sequence[str] = ()
    cache: str | None = None
    memory_seconds: float = 0.0
    idempotency: "Idempotency | None" = None
    expand: Sequence[str] = ()
    deprecated: str | None = None
    sunset: str | None = None
    successor: str | None = None
    throttle: "Throttle | None" = None
    headers: Sequence[RequestHeader] = ()
    raw_body: str | None = None
    other_statuses: Sequence[int] = ()
    needs_scope: bool = True

    @property
    def has_fields(self) -> bool:
        """Whether `?fields=` and `?expand=` are read."""
        return self.method == "GET" and self.answers is not None

    @property
    def takes_no_query(self) -> bool:
        """Whether every parameter but `fields` and `expand` is refused: whoever reads a raw body is sent more."""
        return self.query is None and self.raw_body is None

    @property
    def scope(self) -> str:
        """What an API key must have been given for it: the service, and whether it reads or writes."""
        return f"{self.service}:{'read' if self.method in ('GET', 'HEAD') else 'write'}"
