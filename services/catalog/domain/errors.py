"""What the rules of catalog refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class CatalogError(Exception):
    """A request the rules of catalog refuse; `field` is the path in the body that is to blame, where one is."""

    field: str | None = None


class FieldError(NamedTuple):
    """One thing that is wrong, and the path of the field it is wrong with."""

    field: str
    reason: str


class Incomplete(CatalogError):
    """Something given, or something to be published, has fields that cannot be; all of them are named at once."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.reason}" for error in errors))
        self.errors = tuple(errors)
        self.field = errors[0].field
        self.extra = {"errors": [error._asdict() for error in errors]}


class Fixed(CatalogError):
    """What a published event sells from does not change any more: buyers hold places in it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class OrganiserNotKnownYet(CatalogError):
    """The message that tells catalog of this organiser has not come yet; it does so within seconds."""

    retry_after = 1


class SeasonNotPackaged(CatalogError):
    """This deployment came without the season's file, so the request has to bring its programmes."""

    field = "$.programs"


class ChangedMeanwhile(CatalogError):
    """Somebody else changed it between the read and the write."""
