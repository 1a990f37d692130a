"""What a route says once a later version has taken its place: since when, until when, and where to go instead."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote

from shared.http.operations import Operation

# Where the API's description, with all that is deprecated, can be read.
PAGE: Final = "/docs"
_PARAMETER = re.compile(r"\{(\w+)\}")


def check_dates(deprecated: str | None, sunset: str | None) -> None:
    """Refuses dates that are not in their headers' forms, and an end before the announcement. Raises ValueError."""
    if deprecated is not None and re.fullmatch(r"@[0-9]+", deprecated) is None:
        raise ValueError(f"Deprecation is @ and the seconds since 1970 (RFC 9745), not {deprecated}")
    if sunset is None:
        return
    try:
        ends_at = parsedate_to_datetime(sunset)
    except ValueError as error:
        raise ValueError(f"Sunset is an HTTP date (RFC 8594), not {sunset}") from error
    if ends_at.tzinfo is None or ends_at.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT") != sunset:
        raise ValueError(f"Sunset is an HTTP date (RFC 8594), not {sunset}")
    if deprecated is not None and ends_at.timestamp() < int(deprecated[1:]):
        raise ValueError("a route cannot end before it is deprecated (RFC 9745, 4)")


def announcement(operation: Operation, path: Mapping[str, str]) -> dict[str, str]:
    """The headers of a deprecated operation, none for another. `path` are the request's path parameters."""
    headers = {}
    if operation.deprecated is not None:
        headers["Deprecation"] = operation.deprecated
        headers["Link"] = f'<{PAGE}>; rel="deprecation"; type="text/html"'
    if operation.sunset is not None:
        headers["Sunset"] = operation.sunset
    if operation.successor is not None:
        target = _PARAMETER.sub(lambda found: quote(path.get(found[1], ""), safe=""), operation.successor)
        successor = f'<{target}>; rel="successor-version"'
        headers["Link"] = f"{successor}, {headers['Link']}" if "Link" in headers else successor
    return headers
