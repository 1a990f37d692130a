"""ETags and the conditions that clients make of them (RFC 9110, 13)."""

import hashlib
import re

from shared.http.problems import PreconditionFailed, PreconditionRequired

# A version, then what tells more of the answer, a choice of fields, or a coding, from the whole of it as it is.
_VERSION = re.compile(r'"([0-9]{1,18})(?:-[0-9a-f]{8}){0,2}(?:-(?:br|gzip))?"')


def version_etag(version: int) -> str:
    """The ETag of a row's version."""
    return f'"{version}"'


def content_etag(content: bytes) -> str:
    """The ETag of a body that has no version: a hash of its bytes."""
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def quoted(etag: str | int) -> str:
    """An ETag as the header has it, from a version, from bare text or from one that is quoted already."""
    if isinstance(etag, int):
        return version_etag(etag)
    return etag if etag.endswith('"') else f'"{etag}"'


def marked(etag: str, mark: str) -> str:
    """The ETag of the same thing in another form, such as a coding: other bytes may not have the same strong one."""
    return etag if etag.startswith("W/") else f'{etag[:-1]}-{mark}"'


def names(header: str, etag: str) -> bool:
    """Whether an If-None-Match header names that ETag; by the weak comparison, as that header wants it."""
    if header.strip() == "*":
        return True
    wanted = etag.removeprefix("W/")
    return any(one.strip().removeprefix("W/") == wanted for one in header.split(","))


def expected_version(header: str | None) -> int | None:
    """The version in an If-Match header; None for `*`.

    Raises PreconditionRequired when there is no header, PreconditionFailed for anything that is no version of ours:
    it cannot be the present one.
    """
    if header is None or not header.strip():
        raise PreconditionRequired("Send If-Match with the ETag of the version you have read.")
    text = header.strip()
    if text == "*":
        return None
    # In whatever form it was read, the change is meant for the version.
    found = _VERSION.fullmatch(text)
    if found is None:
        raise PreconditionFailed("If-Match does not name the present version.")
    return int(found[1])
