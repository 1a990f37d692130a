"""Reading the orchestra archives' way of writing names and titles.

The archives print a name without accents first and with them in brackets (`Deneve [Denève], Stephane [Stéphane]`), the
surname in front, and lose the place of words in italics: those come as an object instead of a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from services.catalog.domain.event import Work

EVENT_NAME_LENGTH_MAX: Final = 160
_COMPOSERS_NAMED_MAX: Final = 3
_SOLOISTS_NAMED_MAX: Final = 2
# What stands where a composer should, and names none.
_NOBODY: Final = frozenset({"Anthem", "Traditional", "VARIOUS", "Unspecified"})
# Titles of generations that follow a name after another comma.
_SUFFIXES: Final = frozenset({"Jr.", "Sr.", "II", "III"})
_SPELT_AGAIN: Final = re.compile(r"(\S+) [\[(]([^\])]+)[\])]")
# Kinds of events that say nothing about what is played, so the name does without them.
_PLAIN_KINDS: Final = frozenset({"Subscription Season", "Non-Subscription", "Tour", "Special", "Runout"})


class Unreadable(ValueError):
    """A text of the archives that cannot be read without guessing."""


def plain_text(value: Any) -> str:
    """A title or movement as text.

    An object with one piece in italics is the text and that piece behind it. Raises Unreadable where several pieces
    were cut out, since their places are lost, and for anything that is neither.
    """
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, dict) and set(value) <= {"_", "em"}:
        pieces = [value.get("_", ""), value.get("em", "")]
        if all(isinstance(piece, str) for piece in pieces):
            return " ".join(" ".join(pieces).split())
        raise Unreadable("several words were cut out of the text, and where they stood is lost")
    raise Unreadable("an object stands where a text should")


def full_name(archived: str) -> str:
    """`Thomas, Michael Tilson` as `Michael Tilson Thomas`, spelt with its accents. Empty for an empty name."""
    parts = [part for part in (piece.strip() for piece in _accented(archived).split(",")) if part]
    if not parts:
        return ""
    suffix = f", {parts.pop()}" if len(parts) > 2 and parts[-1] in _SUFFIXES else ""
    return " ".join([*parts[1:], parts[0]]) + suffix


def surname(archived: str) -> str:
    """The part of a composer's name that stands in a concert's title."""
    return _accented(archived).partition(",")[0].strip()


def event_name(kind: str, venue: str, works: Sequence[Work], composers: Sequence[str]) -> str:
    """What a concert is called: whom it plays, who conducts, who plays in front. At most 160 characters.

    `composers` are surnames in the order of the programme; `works` carry the conductor and the soloists.
    """
    conductor = next((work.conductor for work in works if work.conductor), None)
    soloists = list(dict.fromkeys(name for work in works for name in work.soloists))
    named = list(dict.fromkeys(name for name in composers if name and name not in _NOBODY))
    what = _listed(named, _COMPOSERS_NAMED_MAX)
    if not what:
        return _shortened(f"{kind} at {venue}")
    if conductor:
        what += f": {conductor} conducts"
        # A conductor who plays as well is not named twice.
        soloists = [name for name in soloists if name != conductor]
    if 1 <= len(soloists) <= _SOLOISTS_NAMED_MAX:
        what += f"{', ' if conductor else ' '}with {_listed(soloists, _SOLOISTS_NAMED_MAX)}"
    return _shortened(what if kind in _PLAIN_KINDS else f"{kind}: {what}")


def venue_name(archived: str) -> str:
    """`Museum of Modern Art, The` as `The Museum of Modern Art`."""
    name = " ".join(archived.split())
    return f"The {name[:-5]}" if name.endswith(", The") else name


def _accented(archived: str) -> str:
    text = " ".join(archived.split())
    # The second spelling takes the first one's place; a comma that stuck to the first stays behind.
    return _SPELT_AGAIN.sub(lambda found: found[2] + ("," if found[1].endswith(",") else ""), text)


def _listed(names: Iterable[str], count_max: int) -> str:
    every = list(names)
    if len(every) > count_max:
        return f"{', '.join(every[:count_max])} and others"
    return " and ".join(part for part in (", ".join(every[:-1]), every[-1] if every else "") if part)


def _shortened(name: str) -> str:
    if len(name) <= EVENT_NAME_LENGTH_MAX:
        return name
    return name[: EVENT_NAME_LENGTH_MAX - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
