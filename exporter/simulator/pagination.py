"""Cursor pagination like Django REST Framework's (inferred: the API's pages look like its own).

A cursor has the position of the last record whose `created` is unique on the page, and an offset
among the records that follow with an equal `created`. So records that appear or disappear on pages
already read move no other record. Two differences from Django REST Framework: the cursor also has
the number of its page, for tests that look at one page; and its offset has no upper limit (there:
1000, beyond which a listing of records with equal `created` never ends).
"""

import re
from base64 import b64decode, b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 20
"""Records per page if the request asks for no valid size (the real default is not documented)."""

_TOKENS = re.compile(rb"o=(\d{1,18})&r=([01])&n=(\d{1,18})(?:&p=(-?\d{1,18}))?")


class BadCursorError(Exception):
    """The text is not a cursor of this module."""


class Cursor(msgspec.Struct, frozen=True):
    """The start of a page: the records beyond `position`, without the first `offset` of them.

    `position` is a sort key of the listing (None: its end), `reverse` reads towards the first
    record, and `number` counts pages from 1.
    """

    position: int | None = None
    offset: int = 0
    reverse: bool = False
    number: int = 1


class Page(msgspec.Struct, Generic[T], frozen=True):
    """The items of one page in the order of the listing, and the cursors of the pages beside it."""

    items: Sequence[T]
    next: Cursor | None
    previous: Cursor | None


class _Edge(msgspec.Struct, frozen=True):
    """One end of a page: whether records are beyond it, and the position of the nearest."""

    beyond: bool
    position: int | None = None


def encode(cursor: Cursor) -> str:
    """Return the opaque text of a cursor, in base64 as in Django REST Framework."""
    text = f"o={cursor.offset}&r={int(cursor.reverse)}&n={cursor.number}"
    if cursor.position is not None:
        text += f"&p={cursor.position}"
    return b64encode(text.encode()).decode()


def decode(text: str) -> Cursor:
    """Return the cursor of a text, or raise `BadCursorError`; empty text is the first page."""
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


def page_size(requested: str | None, limit: int) -> int:
    """Return the page size: at most `limit`, and the default if the request has no valid size."""
    if requested is not None and re.fullmatch(r"[0-9]{1,18}", requested) and int(requested) > 0:
        return min(int(requested), limit)
    return min(DEFAULT_PAGE_SIZE, limit)


def paginate(items: Sequence[T], key: Callable[[T], int], cursor: Cursor, size: int) -> Page[T]:
    """Return the page at `cursor` of `items`, whose keys never fall; in O(log items + size)."""
    start, stop = _bounds(items, key, cursor, size)
    keys = [key(item) for item in items[start:stop]]
    read_from = _Edge(cursor.position is not None or cursor.offset > 0, cursor.position)
    following = start - 1 if cursor.reverse else stop
    read_to = _Edge(beyond=False)
    if 0 <= following < len(items):
        read_to = _Edge(beyond=True, position=key(items[following]))
    after, before = (read_from, read_to) if cursor.reverse else (read_to, read_from)
    return Page(
        items=items[start:stop],
        next=_link(keys[::-1], (after, before), cursor, size, back=False),
        previous=_link(keys, (before, after), cursor, size, back=True),
    )


def _bounds(
    items: Sequence[T], key: Callable[[T], int], cursor: Cursor, size: int
) -> tuple[int, int]:
    if cursor.reverse:
        end = len(items)
        if cursor.position is not None:
            end = bisect_left(items, cursor.position, key=key)
        stop = max(end - cursor.offset, 0)
        return max(stop - size, 0), stop
    start = cursor.offset
    if cursor.position is not None:
        start += bisect_right(items, cursor.position, key=key)
    return start, start + size


def _link(
    keys: list[int], edges: tuple[_Edge, _Edge], cursor: Cursor, size: int, *, back: bool
) -> Cursor | None:
    """Return the cursor beyond the near edge; `keys` are the page's, from that edge on."""
    near, far = edges
    if not near.beyond:
        return None
    reversing = cursor.reverse != back
    beyond = keys[0] if keys and reversing and cursor.offset else near.position
    position: int | None
    first_other = next((index for index, key in enumerate(keys) if key != beyond), None)
    if first_other is not None:
        position, offset = keys[first_other], first_other
    elif not keys:
        position, offset = near.position, 0
    elif not far.beyond:
        position, offset = None, size
    elif reversing:
        position, offset = far.position, 0
    else:
        position, offset = cursor.position, cursor.offset + size
    return Cursor(position, offset, back, max(1, cursor.number + (-1 if back else 1)))
