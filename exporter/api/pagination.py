"""From page to page by cursor, to a certain end."""

from collections.abc import AsyncGenerator, Awaitable, Callable

from exporter.api.schemas import Page, Record, next_cursor
from exporter.errors import LoopError

MAX_PAGES = 10_000
"""Pages of a listing at most: a longer one is taken for a pagination loop."""


async def pages_of(
    fetch: Callable[[str | None], Awaitable[Page[Record]]],
) -> AsyncGenerator[Page[Record], None]:
    """Yield the first page, then each page whose cursor the page before it names.

    Raises LoopError when a cursor repeats or the pages are too many, and what `fetch` raises.
    """
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        page = await fetch(cursor)
        yield page
        cursor = next_cursor(page.next)
        if cursor is None:
            return
        if cursor in seen:
            raise LoopError(f"pagination loop: a cursor repeats after {len(seen) + 1} pages")
        seen.add(cursor)
        if len(seen) == MAX_PAGES:
            raise LoopError(f"pagination loop: no last page after {MAX_PAGES} pages")
