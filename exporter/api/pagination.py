"""From page to page by cursor, to a certain end."""

from collections.abc import AsyncGenerator, Awaitable, Callable

from exporter.api.decoding import Page, Record
from exporter.api.schemas import next_cursor
from exporter.errors import LoopError, PayloadError

MAX_PAGES = 10_000
"""Pages of a listing at most: a longer one is taken for a pagination loop."""


async def pages_of(
    fetch: Callable[[str | None], Awaitable[Page[Record]]],
) -> AsyncGenerator[Page[Record], None]:
    """Yield the first page, then each page whose cursor the page before it names.

    Raises LoopError when a cursor repeats or the pages are too many; PayloadError after the last
    page, when the pages have fewer records than their `total` says; and what `fetch` raises.
    """
    seen: set[str] = set()
    cursor: str | None = None
    count = RecordCount()
    while True:
        page = await fetch(cursor)
        count.add(page)
        yield page
        cursor = next_cursor(page.next)
        if cursor is None:
            count.check()
            return
        if cursor in seen:
            raise LoopError(f"pagination loop: a cursor repeats after {len(seen) + 1} pages")
        seen.add(cursor)
        if len(seen) == MAX_PAGES:
            raise LoopError(f"pagination loop: no last page after {MAX_PAGES} pages")


class RecordCount:
    """Compares the number of records of a complete listing with the `total` of its pages.

    Records created during the listing are newer than the first page and are not listed; those
    deleted during it lower the `total` of later pages. So the records are as many as the lowest
    `total`, or more. Only if both happen between two pages is a record missing without a fault: one
    for each page after the first is allowed. A page without records says nothing about those before
    it. More records than `total` are no contradiction: none of them is missing.
    """

    def __init__(self) -> None:
        self._records = 0
        self._pages = 0
        self._lowest: int | None = None

    def add(self, page: Page[Record]) -> None:
        """Count the records of the next page, unreadable ones included."""
        records = len(page.results) + len(page.unreadable)
        if page.total is not None and (records or not self._records):
            known = page.total if self._lowest is None else self._lowest
            self._lowest = min(known, page.total)
        self._records += records
        self._pages += 1

    def check(self) -> None:
        """Raise PayloadError if records are missing. To be called after the last page."""
        missing = (self._lowest or 0) - self._records
        if missing >= self._pages:
            raise PayloadError(
                f"the listing contradicts itself: {self._records} records, total {self._lowest}"
            )
