"""Requests and answers as examples: the same in every run, whatever ids, times and tokens there were."""

from __future__ import annotations

import re
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b(?!T)")
_ID = re.compile(r"\b([a-z]{3})_[0-9a-z]{26}\b")
_RANDOM = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8,}(?![0-9A-Za-z])")
_VOUCHER = re.compile(r"(?:[A-Z]+-)?[0-9A-Z]{12}")
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
TIME, DATE, HEX = "2026-06-01T19:30:00Z", "2026-06-01", "5f3a9c1e"
# The payment company has its times in seconds.
SECONDS, SECONDS_MAX = 1780342200.0, 1e9
# Where a place lies follows from who asked first; the parts of a public key are as random as the key.
CHOSEN: dict[str, Any] = {"block": 0, "kid": "k5f3a9c1e", "x": "x…"}
# Longer texts of one piece are tokens, codes and keys, of which nothing can be read.
PIECE_LENGTH_MAX = 50
# Enough of a list to see what it is one of.
ITEMS_MAX = 2


class Steadied:
    """One example: ids and slots are numbered in the order in which they come in it."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._slots: dict[int, int] = {}

    def value(self, value: Any, name: str = "") -> Any:
        """A JSON value with everything in it that another run would have otherwise, made the same for all runs."""
        if name in CHOSEN:
            return CHOSEN[name]
        if isinstance(value, dict):
            return {key: self.value(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            # A list of things can be cut short; what is no list of things has its places.
            things = value[:ITEMS_MAX] if all(isinstance(inner, dict) for inner in value) else value
            return [self.value(inner, name) for inner in things]
        if isinstance(value, str):
            return self._text(value, name)
        if name == "slot":
            return self._slots.setdefault(value, len(self._slots))
        if isinstance(value, float) and value > SECONDS_MAX:
            return SECONDS
        return value

    def _text(self, text: str, name: str) -> str:
        if name == "code" and _VOUCHER.fullmatch(text):
            return "SUMMER-5F3A9C1E"
        text = _RANDOM.sub(HEX, _ADDRESS.sub("https://pay.example", text))
        text = _DATE.sub(DATE, _TIME.sub(TIME, text)).replace(f"{DATE}{TIME[10:]}", TIME)
        text = _ID.sub(self._numbered, text)
        if " " not in text and len(text) > PIECE_LENGTH_MAX and "://" not in text:
            return f"{name or 'text'}…"
        return text

    def _numbered(self, found: re.Match[str]) -> str:
        prefix, known = found[1], self._ids.get(found[0])
        if known is None:
            number = 1 + sum(one.startswith(f"{prefix}_") for one in self._ids.values())
            known = self._ids[found[0]] = f"{prefix}_{number:026d}"
        return known
