"""Exceptions into problems."""

import sys

from shared import telemetry
from shared.auth.errors import TokenInvalid
from shared.http.operations import ProblemMap
from shared.http.problems import (
    BadRequest,
    Conflict,
    InternalError,
    PreconditionFailed,
    Problem,
    Unavailable,
    ValidationFailed,
)

_TOKEN_INVALID = "token-invalid"


class ProblemMapper:
    """Knows the problem document for each exception that a handler lets out."""

    def __init__(self, problems: ProblemMap) -> None:
        self._problems = dict(problems)

    def problem_for(self, error: Exception) -> Problem:
        """The problem to answer with. What nobody foresaw is logged with its stack, and its text is not shown."""
        if isinstance(error, Problem):
            return error
        for kind in type(error).__mro__:
            known = self._problems.get(kind)
            if known is not None:
                status, slug, title = known
                return _described(error, Problem(str(error) or None, slug=slug, title=title, status=status))
        problem = _of_the_kit(error)
        if problem is None or problem.status >= 500:
            telemetry.log("unhandled_error" if problem is None else "unavailable", level="ERROR", error=error)
        return problem or InternalError()

    def promised(self, kind: type[Exception]) -> tuple[int, str, str]:
        """Status, slug and title of the problem that exceptions of a kind become.

        Raises ValueError for one that nobody foresaw: whatever declares it would answer 500.
        """
        if issubclass(kind, Problem):
            return kind.status, kind.slug, kind.title
        for base in kind.__mro__:
            known = self._problems.get(base)
            if known is not None:
                return known
        if issubclass(kind, TokenInvalid):
            return ValidationFailed.status, _TOKEN_INVALID, ValidationFailed.title
        raise ValueError(f"{kind.__name__} becomes no problem document")


def _described(error: Exception, problem: Problem) -> Problem:
    """Takes over what an exception of the domain says about itself: `field`, `retry_after` (seconds), `extra`."""
    field = getattr(error, "field", None)
    if isinstance(field, str):
        problem.field = field
    retry_after = getattr(error, "retry_after", None)
    if isinstance(retry_after, int | float):
        problem.headers["Retry-After"] = str(max(1, round(retry_after)))
    extra = getattr(error, "extra", None)
    if isinstance(extra, dict):
        problem.extra.update(extra)
    if problem.status >= 500:
        telemetry.log("refused", level="WARNING", error=error, problem=problem.slug)
    return problem


def _of_the_kit(error: Exception) -> Problem | None:
    if isinstance(error, TokenInvalid):
        return ValidationFailed("A token in the request is not valid (any more).", slug=_TOKEN_INVALID)
    # Where shared.data was never loaded, none of its errors can have been raised.
    data = sys.modules.get("shared.data.errors")
    if data is None or not isinstance(error, data.DataError):
        return None
    if isinstance(error, data.Unavailable):
        return Unavailable("The database does not answer; try again.")
    if isinstance(error, data.BadCursor):
        return BadRequest("The cursor is not one of this list.", slug="bad-cursor", field="cursor")
    if isinstance(error, data.StaleVersion):
        return PreconditionFailed()
    if isinstance(error, data.AlreadyExists):
        return Conflict("It exists already.", slug="already-exists")
    return None
