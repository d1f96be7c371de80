"""The laws of cursor pagination: every row once, and no row lost to rows that come and go."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.paging import (
    BadCursorError,
    Cursor,
    Page,
    decode,
    encode,
    page_size,
    paginate,
)

KEYS = st.lists(st.integers(0, 12), max_size=30).map(sorted)
UNIQUE = st.lists(st.integers(0, 99), unique=True, max_size=30).map(sorted)
SIZES = st.integers(1, 7)


def key(row: tuple[int, int]) -> int:
    return row[0]


def walk(rows: list[tuple[int, int]], size: int) -> list[Page[tuple[int, int]]]:
    pages = [paginate(rows, key, Cursor(), size)]
    while (cursor := pages[-1].next) is not None:
        pages.append(paginate(rows, key, decode(encode(cursor)), size))
    return pages


@given(KEYS, SIZES)
def test_a_listing_has_every_row_once_in_order(keys: list[int], size: int) -> None:
    """Whatever number of rows share a position, even more than fit a page."""
    rows = list(zip(keys, range(len(keys)), strict=True))
    pages = walk(rows, size)
    assert [row for page in pages for row in page.items] == rows
    assert all(len(page.items) == size for page in pages[:-1])


@given(KEYS, SIZES)
def test_the_ends_have_no_neighbours_and_pages_are_numbered(keys: list[int], size: int) -> None:
    pages = walk(list(zip(keys, range(len(keys)), strict=True)), size)
    assert [page.next.number for page in pages if page.next] == list(range(2, len(pages) + 1))
    assert [page.previous is None for page in pages] == [True] + [False] * (len(pages) - 1)


@given(UNIQUE, SIZES)
def test_previous_leads_back_the_same_way(keys: list[int], size: int) -> None:
    rows = [(number, number) for number in keys]
    pages = walk(rows, size)
    for earlier, later in pairwise(pages):
        assert later.previous is not None
        back = paginate(rows, key, decode(encode(later.previous)), size)
        assert back.items == earlier.items
        assert back.next is not None
        assert paginate(rows, key, back.next, size).items == later.items


@given(KEYS, SIZES)
def test_walking_back_ends_at_the_front(keys: list[int], size: int) -> None:
    """Rows of one position may come twice on the way back, as there; but the way ends."""
    rows = list(zip(keys, range(len(keys)), strict=True))
    page = walk(rows, size)[-1]
    for _ in range(4 * len(rows) + 2):
        if page.previous is None:
            break
        page = paginate(rows, key, page.previous, size)
    assert page.previous is None
    assert list(page.items) == rows[: len(page.items)]


@given(UNIQUE, SIZES, st.sets(st.integers(0, 99)), st.integers(0, 5))
def test_rows_that_come_and_go_hide_no_other(
    keys: list[int], size: int, gone: set[int], new: int
) -> None:
    """After the first page rows vanish and others come in front: those that stayed are all seen."""
    rows = [(number, number) for number in keys]
    first = paginate(rows, key, Cursor(), size)
    seen = set(first.items)
    rows = [(-1 - at, -1 - at) for at in reversed(range(new))] + [
        row for row in rows if row[0] not in gone
    ]
    cursor = first.next
    while cursor is not None:
        page = paginate(rows, key, cursor, size)
        seen.update(page.items)
        cursor = page.next
    assert seen >= {row for row in rows if row[0] >= 0}


def test_a_page_whose_rows_are_gone_is_empty_and_leads_back() -> None:
    page = paginate([(1, 1)], key, Cursor(position=5, number=3), 2)
    assert (list(page.items), page.next) == ([], None)
    assert page.previous == Cursor(position=5, reverse=True, number=2)


def test_turning_round_within_equals_is_possible() -> None:
    """The four ways in which a page of equals has to find a cursor without a row of its own."""
    rows = [(1, at) for at in range(6)]
    second = paginate(rows, key, Cursor(offset=2, number=2), 2)
    assert second.next == Cursor(offset=4, number=3)
    assert second.previous == Cursor(offset=0, position=1, reverse=True, number=1)
    last = paginate(rows, key, Cursor(offset=4, number=3), 2)
    assert last.previous == Cursor(offset=2, reverse=True, number=2)
    back = paginate(rows, key, Cursor(offset=2, reverse=True, number=2), 2)
    assert back.items == rows[2:4]
    assert back.previous == Cursor(offset=4, reverse=True, number=1)
    assert back.next == Cursor(offset=0, position=1, number=3)


@pytest.mark.parametrize(
    "text", ["nonsense!", "é", "bz0x", "AAAA", "bz0tMSZyPTAmbj0x", "bz0wJnI9MiZuPTE="]
)
def test_what_is_no_cursor_of_ours_is_refused(text: str) -> None:
    with pytest.raises(BadCursorError):
        decode(text)


def test_an_empty_cursor_is_the_first_page() -> None:
    assert decode("") == Cursor()


@pytest.mark.parametrize(
    ("asked", "most", "size"),
    [
        (None, 100, 20),
        (None, 5, 5),
        ("7", 100, 7),
        ("100", 100, 100),
        ("1000", 100, 100),
        ("0", 100, 20),
        ("-3", 100, 20),
        ("many", 100, 20),
        ("", 100, 20),
    ],
)
def test_page_sizes_are_capped_in_silence_and_nonsense_means_the_default(
    asked: str | None, most: int, size: int
) -> None:
    assert page_size(asked, most) == size
