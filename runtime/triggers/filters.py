"""Event filters: which records of a source a function is invoked for, by Lambda's patterns.

Known are values, `anything-but`, `exists` and `prefix`; a pattern with anything else is refused rather than misread.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Matcher = Callable[[Mapping[str, Any]], bool]

_MISSING = object()


class FilterUnknown(Exception):
    """A pattern says something that is not known here."""


def matcher(patterns: Sequence[str]) -> Matcher:
    """Whether a record fits one of the patterns, each in JSON; without any, every record does. Raises FilterUnknown."""
    parsed = [json.loads(pattern) for pattern in patterns]
    for pattern in parsed:
        _check(pattern)
    return lambda record: not parsed or any(_fits(pattern, record) for pattern in parsed)


def _check(pattern: Any) -> None:
    if isinstance(pattern, Mapping):
        for inner in pattern.values():
            _check(inner)
        return
    if not isinstance(pattern, list):
        raise FilterUnknown(f"a pattern ends in a list of what is accepted, and not in {pattern!r}")
    for rule in pattern:
        if isinstance(rule, Mapping) and set(rule) not in ({"anything-but"}, {"exists"}, {"prefix"}):
            raise FilterUnknown(f"the rule {json.dumps(rule)} is not known here")


def _fits(pattern: Mapping[str, Any], value: Any) -> bool:
    for name, wanted in pattern.items():
        inner = value.get(name, _MISSING) if isinstance(value, Mapping) else _MISSING
        if isinstance(wanted, Mapping):
            if not _fits(wanted, inner):
                return False
        elif not any(_accepts(rule, inner) for rule in wanted):
            return False
    return True


def _accepts(rule: Any, value: Any) -> bool:
    if not isinstance(rule, Mapping):
        return bool(value == rule)
    if "exists" in rule:
        return (value is not _MISSING) is bool(rule["exists"])
    if value is _MISSING:
        # As at Lambda: what is not there is not anything but something.
        return False
    if "prefix" in rule:
        return isinstance(value, str) and value.startswith(rule["prefix"])
    refused = rule["anything-but"]
    return value not in (refused if isinstance(refused, list) else [refused])
