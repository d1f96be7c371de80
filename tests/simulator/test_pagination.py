"""Cursor pagination: every record once, even while other records appear and disappear."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.pagination import (
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


def key(record: tuple[int, int]) -> int:
    return record[0]


def read_all(records: list[tuple[int, int]], size: int) -> list[Page[tuple[int, int]]]:
    pages = [paginate(records, key, Cursor(), size)]
    while (cursor := pages[-1].next) is not None:
        pages.append(paginate(records, key, decode(encode(cursor)), size))
    return pages


@given(KEYS, SIZES)
def test_a_listing_has_every_record_once_in_order(keys: list[int], size: int) -> None:
    """Even if more records share a position than fit on a page."""
    records = list(zip(keys, range(len(keys)), strict=True))
    pages = read_all(records, size)
    assert [record for page in pages for record in page.items] == records
    assert all(len(page.items) == size for page in pages[:-1])


@given(KEYS, SIZES)
def test_the_first_and_last_page_have_one_link_and_pages_are_numbered(
    keys: list[int], size: int
) -> None:
    pages = read_all(list(zip(keys, range(len(keys)), strict=True)), size)
    assert [page.next.number for page in pages if page.next] == list(range(2, len(pages) + 1))
    assert [page.previous is None for page in pages] == [True] + [False] * (len(pages) - 1)


@given(UNIQUE, SIZES)
def test_previous_leads_back_over_the_same_pages(keys: list[int], size: int) -> None:
    records = [(number, number) for number in keys]
    pages = read_all(records, size)
    for earlier, later in pairwise(pages):
        assert later.previous is not None
        back = paginate(records, key, decode(encode(later.previous)), size)
        assert back.items == earlier.items
        assert back.next is not None
        assert paginate(records, key, back.next, size).items == later.items


@given(KEYS, SIZES)
def test_reading_back_ends_at_the_first_page(keys: list[int], size: int) -> None:
    """Records of one position may come twice, as in Django REST Framework."""
    records = list(zip(keys, range(len(keys)), strict=True))
    page = read_all(records, size)[-1]
    for _ in range(4 * len(records) + 2):
        if page.previous is None:
            break
        page = paginate(records, key, page.previous, size)
    assert page.previous is None
    assert list(page.items) == records[: len(page.items)]


@given(UNIQUE, SIZES, st.sets(st.integers(0, 99)), st.integers(0, 5))
def test_records_that_appear_and_disappear_hide_no_other(
    keys: list[int], size: int, gone: set[int], new: int
) -> None:
    """After the first page records disappear and others come in front: the rest are all read."""
    records = [(number, number) for number in keys]
    first = paginate(records, key, Cursor(), size)
    seen = set(first.items)
    records = [(-1 - at, -1 - at) for at in reversed(range(new))] + [
        record for record in records if record[0] not in gone
    ]
    cursor = first.next
    while cursor is not None:
        page = paginate(records, key, cursor, size)
        seen.update(page.items)
        cursor = page.next
    assert seen >= {record for record in records if record[0] >= 0}


def test_a_page_whose_records_are_deleted_is_empty_and_has_a_previous_page() -> None:
    page = paginate([(1, 1)], key, Cursor(position=5, number=3), 2)
    assert (list(page.items), page.next) == ([], None)
    assert page.previous == Cursor(position=5, reverse=True, number=2)


def test_reading_can_be_reversed_among_records_with_equal_keys() -> None:
    """The four cases of a cursor on a page where no record has a unique key."""
    records = [(1, at) for at in range(6)]
    second = paginate(records, key, Cursor(offset=2, number=2), 2)
    assert second.next == Cursor(offset=4, number=3)
    assert second.previous == Cursor(offset=0, position=1, reverse=True, number=1)
    last = paginate(records, key, Cursor(offset=4, number=3), 2)
    assert last.previous == Cursor(offset=2, reverse=True, number=2)
    back = paginate(records, key, Cursor(offset=2, reverse=True, number=2), 2)
    assert back.items == records[2:4]
    assert back.previous == Cursor(offset=4, reverse=True, number=1)
    assert back.next == Cursor(offset=0, position=1, number=3)


@pytest.mark.parametrize(
    "text", ["nonsense!", "é", "bz0x", "AAAA", "bz0tMSZyPTAmbj0x", "bz0wJnI9MiZuPTE="]
)
def test_other_text_is_not_a_cursor(text: str) -> None:
    with pytest.raises(BadCursorError):
        decode(text)


def test_an_empty_cursor_is_the_first_page() -> None:
    assert decode("") == Cursor()


@pytest.mark.parametrize(
    ("requested", "limit", "size"),
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
def test_page_sizes_are_limited_and_invalid_ones_mean_the_default(
    requested: str | None, limit: int, size: int
) -> None:
    assert page_size(requested, limit) == size
