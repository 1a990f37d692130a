"""Typed settings of a service, read once from the environment."""

import os
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from shared.settings.secrets import Secret


class SettingsError(Exception):
    """The environment does not give what the settings need."""


class MissingSettings(SettingsError):
    """Some settings are absent; the message names every one of them."""

    def __init__(self, owner: str, names: list[str]) -> None:
        self.names = names
        super().__init__(f"{owner} cannot start: set {', '.join(names)} in the environment.")


class InvalidSetting(SettingsError):
    """Some settings are there but cannot be read as their type; values are not repeated, they may be secret."""

    def __init__(self, owner: str, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__(f"{owner} cannot start: {'; '.join(reasons)}.")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Base of a service's settings: the field `orders_table_name` is the variable ORDERS_TABLE_NAME.

    Fields are `str`, `int`, `float`, `bool` (0, 1, true, false) or `Secret`; a field with a default, or one that may
    be None, may be absent from the environment. An empty variable counts as absent.
    """


S = TypeVar("S", bound=Settings)


def load(settings_class: type[S], environ: Mapping[str, str] | None = None) -> S:
    """The settings as the environment gives them.

    Raises MissingSettings naming every absent variable at once, InvalidSetting naming each that cannot be read.
    """
    variables = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    missing: list[str] = []
    invalid: list[str] = []
    for field in msgspec.structs.fields(settings_class):
        name = field.name.upper()
        text = variables.get(name, "")
        if text == "":
            if field.required and not _may_be_none(field.type):
                missing.append(name)
            elif field.required:
                values[field.name] = None
            continue
        try:
            values[field.name] = _read(field.type, text)
        except ValueError as error:
            invalid.append(f"{name} {error}")
    if missing:
        raise MissingSettings(settings_class.__name__, missing)
    if invalid:
        raise InvalidSetting(settings_class.__name__, invalid)
    return settings_class(**values)


def _may_be_none(kind: Any) -> bool:
    return type(None) in getattr(kind, "__args__", ())


def _read(kind: Any, text: str) -> Any:
    kinds = [one for one in getattr(kind, "__args__", (kind,)) if one is not type(None)]
    if kinds == [Secret]:
        return Secret(text)
    if kinds == [bool]:
        known = {"0": False, "1": True, "false": False, "true": True}
        if text.lower() not in known:
            raise ValueError("must be 0, 1, true or false")
        return known[text.lower()]
    try:
        return msgspec.convert(text, type=kinds[0], strict=False)
    except msgspec.ValidationError as error:
        wanted = getattr(kinds[0], "__name__", str(kinds[0]))
        raise ValueError(f"must be a value of type {wanted}") from error
