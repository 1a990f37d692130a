"""HTTP for the services: routes that read, check and answer, and problem documents for everything else."""

from shared.http.access import PUBLIC, SIGNED_IN, Access, member
from shared.http.answer import Answer, asks_for_csv
from shared.http.app import App
from shared.http.call import Call, PathParameters, QueryParameters, RequestBody
from shared.http.conditional import version_etag
from shared.http.idempotency import BY_HANDLER, BY_HANDLER_OPTIONAL, IN_TABLE, Idempotency
from shared.http.operations import Operation
from shared.http.paging import Cursor, Limit, PageQuery, PageView, page_answer
from shared.http.problems import (
    BadRequest,
    BodyTooLarge,
    Conflict,
    Forbidden,
    Gone,
    HeaderTooLarge,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    TooMany,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.http.request_headers import IF_MATCH, RequestHeader
from shared.http.routes import Routes
from shared.http.text import LINES, VERBATIM
from shared.http.throttle import EXEMPT, IN_PROCESS, Throttle, costing

__all__ = [
    "BY_HANDLER",
    "BY_HANDLER_OPTIONAL",
    "EXEMPT",
    "IF_MATCH",
    "IN_PROCESS",
    "IN_TABLE",
    "LINES",
    "PUBLIC",
    "SIGNED_IN",
    "VERBATIM",
    "Access",
    "Answer",
    "App",
    "BadRequest",
    "BodyTooLarge",
    "Call",
    "Conflict",
    "Cursor",
    "Forbidden",
    "Gone",
    "HeaderTooLarge",
    "Idempotency",
    "Limit",
    "NotFound",
    "Operation",
    "PageQuery",
    "PageView",
    "PathParameters",
    "PreconditionFailed",
    "PreconditionRequired",
    "Problem",
    "QueryParameters",
    "RequestBody",
    "RequestHeader",
    "Routes",
    "Throttle",
    "TooMany",
    "Unauthorized",
    "Unavailable",
    "UnsupportedMediaType",
    "ValidationFailed",
    "asks_for_csv",
    "costing",
    "member",
    "page_answer",
    "version_etag",
]
