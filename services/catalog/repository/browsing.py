"""Reading the lists of postings: a page of what a search asks for, and where it goes on.

All lists are in one order, by date and id, and every posting says all that a search asks. So any list that holds every
answer will do, and a cursor that names the last date and id holds for all of them, whatever comes in meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import nsmallest
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from services.catalog.domain.availability import Told
from services.catalog.domain.search import (
    EXAMINED_MAX,
    JUDGED_MAX,
    RANKED_MAX,
    Posting,
    Search,
    TooManyMatches,
    months_between,
)
from services.catalog.repository.availability import told_of
from services.catalog.repository.postings import PostingRow, partition
from shared import clock
from shared.data import cursors, query_page

# Sorts behind every character that can follow it in a key.
_END: Final = "~"
_CHUNK: Final = 200

Key = TypeVar("Key")

_decode = msgspec.json.Decoder(Posting).decode


class Found(NamedTuple):
    """A page of what is coming up, with what was told of its events' places."""

    items: list[Posting]
    next: str | None
    told: dict[str, Told]


class _Span(NamedTuple):
    """Sort keys from one to another, both included, in the one direction or the other; `passed` is left out of them."""

    low: str
    high: str
    newest_first: bool
    passed: str | None = None

    def behind(self, key: str) -> _Span:
        """What remains of it behind a key."""
        return self._replace(high=key, passed=key) if self.newest_first else self._replace(low=key, passed=key)


class _Chunk(NamedTuple):
    """Some postings of a list by their sort keys, and whether the list ends with them."""

    term: str | None
    postings: list[tuple[str, Posting]]
    is_last: bool


def upcoming(now: datetime, limit: int, cursor: str | None) -> Found:
    """A page of everything that is coming up, by date. Raises BadCursor."""
    return found(Search(), now, limit, cursor)


def found(search: Search, now: datetime, limit: int, cursor: str | None) -> Found:
    """A page of what a search finds from now on, in its order.

    By date, a page ends after 500 postings were looked at, full or not, and its cursor goes on there. By price or
    relevance it takes a look at all of them: raises TooManyMatches for more than 1,000. Where what is sold out is not
    wanted, a page ends after 200 events in question, too. Raises BadCursor.
    """
    binding = ("events found", msgspec.json.encode(search).decode())
    position = None if cursor is None else cursors.verify(cursor, binding).get("after")
    first, last = search.span(now)
    if first > last:
        return Found([], None, {})
    span = _Span(clock.iso(first), clock.iso(last) + _END, search.sort == "-starts_at")
    unsold = _Unsold(search)
    if search.sort in ("price", "relevance"):
        items, following = _by_rank(search, unsold, span, limit, position)
    else:
        items, following = _by_date(search, unsold, span if position is None else span.behind(position), limit)
    told = unsold.told if search.available else told_of(one.event_id for one in items)
    shown = {one.event_id: told[one.event_id] for one in items if one.event_id in told}
    return Found(items, None if following is None else cursors.sign({"after": following}, binding), shown)


class _Unsold:
    """Tells what is sold out from what is not, where that is asked; of 200 events at most."""

    def __init__(self, search: Search) -> None:
        self._asked = search.available
        self._last: Any = None
        self._left = JUDGED_MAX
        self.told: dict[str, Told] = {}

    def take(self, hits: Sequence[tuple[Key, Posting]], wanted: int) -> tuple[list[tuple[Key, Posting]], Key | None]:
        """The first of the hits that are wanted; and where it had to end before it was through, the last one's key."""
        if not self._asked:
            return list(hits[:wanted]), None
        taken: list[tuple[Key, Posting]] = []
        start = 0
        # As many as are missing are asked for, so that in a list with places nobody asks for what is not shown.
        while start < len(hits) and len(taken) < wanted and self._left > 0:
            part = hits[start : start + min(wanted - len(taken), self._left)]
            self.told |= told_of(one.event_id for _, one in part)
            taken += [hit for hit in part if not self._is_sold_out(hit[1])]
            start, self._left, self._last = start + len(part), self._left - len(part), part[-1][0]
        is_through = start >= len(hits) or len(taken) >= wanted
        return taken, None if is_through else self._last

    def _is_sold_out(self, posting: Posting) -> bool:
        told = self.told.get(posting.event_id)
        return told is not None and told.left == "sold-out"


def _by_date(search: Search, unsold: _Unsold, span: _Span, limit: int) -> tuple[list[Posting], str | None]:
    matches: list[tuple[str, Posting]] = []
    examined = 0
    # A page is often found within twice its size; where it is not, what follows is read in larger pieces.
    size = limit + 1 if search.is_whole_list else min(2 * (limit + 1), _CHUNK)
    for chunk in _chunks(search, span, size, EXAMINED_MAX):
        hits = [(key, posting) for key, posting in chunk.postings if search.matches(posting)]
        taken, ended = unsold.take(hits, limit + 1 - len(matches))
        matches += taken
        examined += len(chunk.postings)
        if len(matches) > limit:
            return [one for _, one in matches[:limit]], matches[limit - 1][0]
        if ended is None and examined == EXAMINED_MAX and not chunk.is_last:
            ended = chunk.postings[-1][0]
        if ended is not None:
            return [one for _, one in matches], ended
    return [one for _, one in matches], None


def _by_rank(
    search: Search, unsold: _Unsold, span: _Span, limit: int, position: str | None
) -> tuple[list[Posting], str | None]:
    postings: list[tuple[str, Posting]] = []
    for chunk in _chunks(search, span, _CHUNK, RANKED_MAX + 1):
        postings += chunk.postings
        if len(postings) > RANKED_MAX:
            raise TooManyMatches
    after = None if position is None else msgspec.json.decode(position, type=list[str | int])
    ranked = ((([*search.rank(one), key]), one) for key, one in postings if search.matches(one))
    behind = (pair for pair in ranked if after is None or pair[0] > after)
    # Beyond those, nothing is asked for.
    in_question = nsmallest(JUDGED_MAX + 1 if search.available else limit + 1, behind, key=lambda pair: pair[0])
    best, ended = unsold.take(in_question, limit + 1)
    last = best[limit - 1][0] if len(best) > limit else ended
    return [one for _, one in best[:limit]], None if last is None else msgspec.json.encode(last).decode()


def _chunks(search: Search, span: _Span, first_size: int, examined_max: int) -> Iterator[_Chunk]:
    """The postings that may be answers, chunk by chunk, `examined_max` at most.

    Several lists may hold every answer. A chunk of each is read, and the one that leads on furthest is followed: what
    lies in the others up to there is in it, too.
    """
    terms: Sequence[str | None] = search.terms or (None,)
    examined, size = 0, first_size
    while examined < examined_max:
        chunks = [_read(term, span, min(size, examined_max - examined)) for term in terms]
        chunk = _furthest(chunks, span.newest_first)
        yield chunk
        if chunk.is_last or not chunk.postings:
            return
        examined += len(chunk.postings)
        terms, span, size = (chunk.term,), span.behind(chunk.postings[-1][0]), _CHUNK


def _furthest(chunks: Sequence[_Chunk], newest_first: bool) -> _Chunk:
    ended = [chunk for chunk in chunks if chunk.is_last]
    if ended:
        return min(ended, key=lambda chunk: len(chunk.postings))
    return (min if newest_first else max)(chunks, key=lambda chunk: chunk.postings[-1][0])


def _read(term: str | None, span: _Span, size: int) -> _Chunk:
    """So many postings of a term's list, or of the months one after the other: a query for each month looked into."""
    if term is not None:
        postings, is_last = _query(term, span, size)
        return _Chunk(term, postings, is_last)
    months = list(months_between(clock.from_iso(span.low[:24]), clock.from_iso(span.high[:24])))
    taken: list[tuple[str, Posting]] = []
    for number, month in enumerate(reversed(months) if span.newest_first else months, 1):
        postings, is_last = _query(month, span, size - len(taken))
        taken += postings
        if len(taken) >= size or not is_last:
            return _Chunk(None, taken, is_last and number == len(months))
    return _Chunk(None, taken, True)


def _query(term: str, span: _Span, size: int) -> tuple[list[tuple[str, Posting]], bool]:
    # The posting passed last is within the span, and is read once more.
    page = query_page(
        PostingRow,
        partition(term),
        sk_between=(span.low, span.high),
        limit=size + (span.passed is not None),
        newest_first=span.newest_first,
    )
    rows = [row for row in page.items if row.sk != span.passed]
    return [(row.sk, _decode(row.posting)) for row in rows[:size]], page.next is None and len(rows) <= size
