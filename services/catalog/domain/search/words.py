"""Words as a search compares them: without case, accents and signs; and the terms that lists of postings go by."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from typing import Final

# A list of postings goes by the first letters of a word, so that the prefixes of a word need no lists of their own.
PREFIX_LETTERS: Final = 3
WORD_LETTERS_MAX: Final = 30
# Where the date alone says what is wanted, the lists are those of the months.
MONTHS: Final = "month"
# Letters that Unicode does not take for a plain one with an accent, but people who type do.
_PLAIN: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def words_of(text: str) -> list[str]:
    """The words of a text, each once, in their order: `Dvořák's No. 9` has `dvorak`, `s`, `no` and `9`.

    Letters, digits and what hangs on them make words, everything else parts them. 30 letters of a word count.
    """
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN)
    kept = (
        letter if unicodedata.category(letter)[0] in "LNM" else " "
        for letter in unicodedata.normalize("NFKD", folded)
        if not unicodedata.combining(letter)
    )
    return list(dict.fromkeys(word[:WORD_LETTERS_MAX] for word in "".join(kept).split()))


def city_of(text: str) -> str:
    """A city's name as cities are compared: `Saint-Étienne` and `saint etienne` are one."""
    return " ".join(words_of(text))


def word_term(word: str) -> str | None:
    """The term a word stands under; None for one that is too short to have a list."""
    return f"word:{word[:PREFIX_LETTERS]}" if len(word) >= PREFIX_LETTERS else None


def months_between(first: datetime, last: datetime) -> Iterator[str]:
    """The terms of the months (UTC) from one moment to another, in order."""
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        yield f"{MONTHS}:{year:04d}-{month:02d}"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
