"""What can go wrong between a use case and its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.data.rows import BareRow


class DataError(Exception):
    """Anything that kept a request to the table from being done."""


class Unavailable(DataError):
    """The table gave no answer before the deadline. Whether a write was applied is not known: send it again."""


class Throttled(Unavailable):
    """The table refused to take more until the deadline passed. Nothing was written."""


class Rejected(DataError):
    """The table calls the request wrong (a limit, an unknown table, a missing right): a mistake of this program."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class BadCursor(DataError):
    """A cursor that was not given out for this query, or was changed on the way."""


class AlreadyExists(DataError):
    """A row with this key was there before; `stored` is that row."""

    def __init__(self, stored: BareRow) -> None:
        super().__init__(f"{stored.pk}/{stored.sk} exists")
        self.stored = stored


class StaleVersion(DataError):
    """The row was changed, or removed, since it was read; `stored` is the row as it is now, None when removed."""

    def __init__(self, stored: BareRow | None) -> None:
        super().__init__("the row was changed since it was read")
        self.stored = stored


class ConditionRefused(DataError):
    """The condition of a write does not hold; `old` is the row that made it so, None where there is none."""

    def __init__(self, old: BareRow | None) -> None:
        super().__init__("the condition of the write does not hold")
        self.old = old


class Reason:
    """Why one write of a transaction was refused: DynamoDB's code and the row that was in its way."""

    __slots__ = ("code", "message", "old")

    def __init__(self, code: str, message: str, old: BareRow | None) -> None:
        self.code = code
        self.message = message
        self.old = old

    def __repr__(self) -> str:
        return f"Reason({self.code!r}, old={self.old!r})"


class TransactionRefused(DataError):
    """A transaction that changed nothing; `reasons` has one entry a write, in order, None for those not to blame."""

    def __init__(self, reasons: Sequence[Reason | None], writes: Sequence[Any] = ()) -> None:
        codes = ", ".join("None" if reason is None else reason.code for reason in reasons)
        super().__init__(f"the transaction was refused: {codes}")
        self.reasons = list(reasons)
        self._writes = list(writes)

    def blames(self, write: Any) -> Reason | None:
        """Why that very write was refused, None when it was not to blame."""
        for reason, candidate in zip(self.reasons, self._writes, strict=False):
            if candidate is write:
                return reason
        return None
