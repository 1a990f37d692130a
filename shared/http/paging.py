"""Lists: one page, and where it goes on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Generic, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from shared.http.answer import Answer
from shared.http.text import VERBATIM

LIMIT_DEFAULT = 50
LIMIT_MAX = 100

Limit = Annotated[int, msgspec.Meta(ge=1, le=LIMIT_MAX)]
# A cursor is signed, so that not a character of it may change.
Cursor = Annotated[str, msgspec.Meta(min_length=1, max_length=2048), VERBATIM]

Item = TypeVar("Item")
Source = TypeVar("Source", covariant=True)


class PageQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The parameters of every list: at most `limit` items (1 to 100), going on after `cursor`."""

    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class PageView(msgspec.Struct, Generic[Item]):
    """One page of a list; `next` is the cursor of the next one, None on the last."""

    items: list[Item]
    next: str | None = None


class Paged(Protocol[Source]):
    """A page as shared.data gives it."""

    @property
    def items(self) -> Sequence[Source]:
        """The rows of the page."""
        ...

    @property
    def next(self) -> str | None:
        """The signed cursor of the next page, None on the last."""
        ...


def page_answer(
    page: Paged[Source],
    view: Callable[[Source], Any],
    path: str,
    query: msgspec.Struct | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer for a page: `{"items": […], "next": …}`, and a Link header to the next page where there is one.

    `path` is the list's path, `query` the parameters it was asked with; the link repeats them with the new cursor.
    """
    answer_headers = dict(headers or {})
    if page.next is not None:
        parameters = [*_given(query), ("cursor", page.next)]
        answer_headers["Link"] = f'<{path}?{urlencode(parameters)}>; rel="next"'
    return Answer(PageView(items=[view(item) for item in page.items], next=page.next), headers=answer_headers)


def _given(query: msgspec.Struct | None) -> Iterable[tuple[str, str]]:
    if query is None:
        return
    defaults = {field.encode_name: field.default for field in msgspec.structs.fields(query)}
    for name, value in msgspec.to_builtins(query).items():
        if name == "cursor" or value is None or value == defaults.get(name):
            continue
        for one in value if isinstance(value, list) else [value]:
            yield name, str(one).lower() if isinstance(one, bool) else str(one)
