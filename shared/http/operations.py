"""What is known of each route: enough to check requests and to describe them in OpenAPI."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from shared.http.access import Access
from shared.http.problems import Problem

if TYPE_CHECKING:
    from shared.http.call import Call
    from shared.http.idempotency import Idempotency

Handler = Callable[["Call"], Any]
# An exception of the domain → (status, slug, title) of its problem document.
ProblemMap = Mapping[type[Exception], tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route.

    `body`, `query` and `parameters` are the structs of the request, `answers` the type of the answer's body, `errors`
    the problems it can be refused with beyond those every route has, `media_types` the types of raw answers, `expand`
    what `?expand=` may name. Every GET with `answers` takes `?fields=`. `deprecated`
    and `sunset` are as their headers have them, `successor` is the path of the later version that takes its place.
    """

    handler: Handler = field(repr=False)
    service: str
    name: str
    method: str
    path: str
    summary: str
    description: str
    status: int
    access: Access
    body: Any = None
    query: type[msgspec.Struct] | None = None
    parameters: type[msgspec.Struct] | None = None
    answers: Any = None
    errors: Sequence[type[Exception] | type[Problem]] = ()
    media_types: Sequence[str] = ()
    cache: str | None = None
    idempotency: "Idempotency | None" = None
    expand: Sequence[str] = ()
    deprecated: str | None = None
    sunset: str | None = None
    successor: str | None = None
