"""Headers that a route reads itself, beside those the kit reads for it."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.http.problems import PreconditionFailed, PreconditionRequired


class RequestHeader(msgspec.Struct, frozen=True):
    """One header of a route's requests; `errors` are what an unfit one is refused with."""

    name: str
    description: str
    required: bool = False
    errors: tuple[type[Exception], ...] = ()


# For routes that ask `call.expected_version()`.
IF_MATCH: Final = RequestHeader(
    "If-Match",
    "The ETag of the version that the change is meant for, or `*` for whichever there is.",
    required=True,
    errors=(PreconditionFailed, PreconditionRequired),
)
