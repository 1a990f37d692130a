"""Problem documents (RFC 9457): what every refusal of the API looks like.

`type` is `urn:stagedoor:problem:<slug>` and never changes once released; clients decide by it, people read `title` and
`detail`. `field` is the JSON path of what is wrong in the body (`$.lines[0].quantity`), or the name of a parameter.
"""

from collections.abc import Mapping
from typing import Any

TYPE_PREFIX = "urn:stagedoor:problem:"
MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A refusal that a client gets as a problem document; subclasses set the defaults, arguments override them."""

    slug = "internal"
    title = "Something went wrong on our side"
    status = 500

    def __init__(
        self,
        detail: str | None = None,
        *,
        slug: str | None = None,
        title: str | None = None,
        status: int | None = None,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.slug = slug or self.slug
        self.title = title or self.title
        self.status = status or self.status
        self.detail = detail
        self.field = field
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(detail or self.title)

    def document(self, trace_id: str) -> dict[str, Any]:
        """The members of the document; `trace_id` finds the request in the logs."""
        members: dict[str, Any] = {
            "type": TYPE_PREFIX + self.slug,
            "title": self.title,
            "status": self.status,
        }
        if self.detail is not None:
            members["detail"] = self.detail
        if self.field is not None:
            members["field"] = self.field
        members.update(self.extra)
        members["trace_id"] = trace_id
        return members


class BadRequest(Problem):
    """400: the request cannot be read."""

    slug, title, status = "bad-request", "The request cannot be read", 400


class Unauthorized(Problem):
    """401: nobody is signed in, or the access token is not valid (any more)."""

    slug, title, status = "unauthorized", "Sign in first", 401

    def __init__(self, detail: str | None = None, **options: Any) -> None:
        options.setdefault("headers", {"WWW-Authenticate": "Bearer"})
        super().__init__(detail, **options)


class Forbidden(Problem):
    """403: signed in, but not entitled."""

    slug, title, status = "forbidden", "You may not do this", 403


class ScopeMissing(Forbidden):
    """403: the API key was not given the scope of this route; `scope` names it."""

    slug, title = "scope-missing", "The API key may not do this"


class NotFound(Problem):
    """404: there is no such thing, or it is none of the caller's business."""

    slug, title, status = "not-found", "There is no such thing", 404


class MethodNotAllowed(Problem):
    """405: the path exists, the method does not; `Allow` names those that do."""

    slug, title, status = "method-not-allowed", "This method is not allowed here", 405


class Conflict(Problem):
    """409: the thing is in a state that does not allow it."""

    slug, title, status = "conflict", "This cannot be done now", 409


class Gone(Problem):
    """410: it was there, and its time is over."""

    slug, title, status = "gone", "This is over", 410


class PreconditionFailed(Problem):
    """412: the thing was changed since the caller read it."""

    slug, title, status = "precondition-failed", "It was changed in the meantime", 412


class BodyTooLarge(Problem):
    """413: the body is longer than the route takes."""

    slug, title, status = "body-too-large", "The body is too large", 413


class UnsupportedMediaType(Problem):
    """415: the body is of a type the route does not read."""

    slug, title, status = "unsupported-media-type", "The body is of an unknown type", 415


class ValidationFailed(Problem):
    """422: the request can be read, and something in it is not acceptable; `field` says what."""

    slug, title, status = "validation-failed", "Something in the request is not acceptable", 422


class PreconditionRequired(Problem):
    """428: a change must say by If-Match which version it is meant for."""

    slug, title, status = "precondition-required", "If-Match is required", 428


class TooMany(Problem):
    """429: too much at once; `Retry-After` says when to come back, in seconds."""

    slug, title, status = "too-many-requests", "Too many requests", 429

    def __init__(self, detail: str | None = None, *, retry_after: int = 1, **options: Any) -> None:
        options["headers"] = {"Retry-After": str(retry_after), **(options.get("headers") or {})}
        super().__init__(detail, **options)


class HeaderTooLarge(Problem):
    """431: a header is longer than any that is read here; `field` names it."""

    slug, title, status = "header-too-large", "A header is too large", 431


class InternalError(Problem):
    """500: a mistake of this program. What it was stands in the log under the trace id, never in the answer."""


class Unavailable(Problem):
    """503: something this depends on does not answer; the request may be sent again after `Retry-After` seconds."""

    slug, title, status = "unavailable", "Not available at the moment", 503

    def __init__(self, detail: str | None = None, *, retry_after: int = 1, **options: Any) -> None:
        options["headers"] = {"Retry-After": str(retry_after), **(options.get("headers") or {})}
        super().__init__(detail, **options)
