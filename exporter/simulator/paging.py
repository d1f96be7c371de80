"""Cursor pagination like Django REST Framework's (inferred: the API's pages look like its own).

A cursor holds the position of the last row with a `created` of its own and an offset among the
rows that follow with the same one. So rows that appear or vanish on pages already read move
nothing. Two differences: the cursor also carries the number of its page, which faults match on,
and its offset has no upper limit (there: 1000, beyond which a listing of equals never ends).
"""

import re
from base64 import b64decode, b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 20
"""Rows a page when the request asks for none or for nonsense (the real number: nobody says)."""

_TOKENS = re.compile(rb"o=(\d{1,18})&r=([01])&n=(\d{1,18})(?:&p=(-?\d{1,18}))?")


class BadCursorError(Exception):
    """The text is no cursor of ours."""


class Cursor(msgspec.Struct, frozen=True):
    """Where a page begins: rows beyond `position`, less the first `offset` of them.

    `position` is a key of the listing (None: its end), `reverse` walks towards the front, and
    `number` counts pages from 1.
    """

    position: int | None = None
    offset: int = 0
    reverse: bool = False
    number: int = 1


class Page(msgspec.Struct, Generic[T], frozen=True):
    """The items of one page in the order of the listing, and the cursors of its neighbours."""

    items: Sequence[T]
    next: Cursor | None
    previous: Cursor | None


class _Edge(msgspec.Struct, frozen=True):
    """One end of a page: are there rows beyond it, and a position that stands for them."""

    beyond: bool
    position: int | None = None


def encode(cursor: Cursor) -> str:
    """Return the opaque text of a cursor, base64 as there."""
    text = f"o={cursor.offset}&r={int(cursor.reverse)}&n={cursor.number}"
    if cursor.position is not None:
        text += f"&p={cursor.position}"
    return b64encode(text.encode()).decode()


def decode(text: str) -> Cursor:
    """Return the cursor of a text, or raise `BadCursorError`; an empty one is the first page."""
    if not text:
        return Cursor()
    try:
        tokens = _TOKENS.fullmatch(b64decode(text, validate=True))
    except ValueError as error:
        raise BadCursorError(text) from error
    if tokens is None:
        raise BadCursorError(text)
    offset, reverse, number, position = tokens.groups()
    return Cursor(
        position=None if position is None else int(position),
        offset=int(offset),
        reverse=reverse == b"1",
        number=int(number),
    )


def page_size(asked: str | None, most: int) -> int:
    """Return the size in force, silently capped at `most`; nonsense means the default."""
    if asked is not None and re.fullmatch(r"[0-9]{1,18}", asked) and int(asked) > 0:
        return min(int(asked), most)
    return min(DEFAULT_PAGE_SIZE, most)


def paginate(rows: Sequence[T], key: Callable[[T], int], cursor: Cursor, size: int) -> Page[T]:
    """Return the page at `cursor` of `rows`, whose keys never fall; O(log rows + size)."""
    start, stop = _bounds(rows, key, cursor, size)
    keys = [key(row) for row in rows[start:stop]]
    behind = _Edge(cursor.position is not None or cursor.offset > 0, cursor.position)
    following = start - 1 if cursor.reverse else stop
    ahead = _Edge(beyond=False)
    if 0 <= following < len(rows):
        ahead = _Edge(beyond=True, position=key(rows[following]))
    after, before = (behind, ahead) if cursor.reverse else (ahead, behind)
    return Page(
        items=rows[start:stop],
        next=_link(keys[::-1], (after, before), cursor, size, back=False),
        previous=_link(keys, (before, after), cursor, size, back=True),
    )


def _bounds(
    rows: Sequence[T], key: Callable[[T], int], cursor: Cursor, size: int
) -> tuple[int, int]:
    if cursor.reverse:
        end = len(rows)
        if cursor.position is not None:
            end = bisect_left(rows, cursor.position, key=key)
        stop = max(end - cursor.offset, 0)
        return max(stop - size, 0), stop
    start = cursor.offset
    if cursor.position is not None:
        start += bisect_right(rows, cursor.position, key=key)
    return start, start + size


def _link(
    inward: list[int], edges: tuple[_Edge, _Edge], cursor: Cursor, size: int, *, back: bool
) -> Cursor | None:
    """Point beyond the near edge; `inward` are the page's keys, from that edge on."""
    near, far = edges
    if not near.beyond:
        return None
    turning = cursor.reverse != back
    taken = inward[0] if inward and turning and cursor.offset else near.position
    position: int | None
    own = next((at for at, key in enumerate(inward) if key != taken), None)
    if own is not None:
        position, offset = inward[own], own
    elif not inward:
        position, offset = near.position, 0
    elif not far.beyond:
        position, offset = None, size
    elif turning:
        position, offset = far.position, 0
    else:
        position, offset = cursor.position, cursor.offset + size
    return Cursor(position, offset, back, max(1, cursor.number + (-1 if back else 1)))
