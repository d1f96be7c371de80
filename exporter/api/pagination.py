"""From page to page by cursor, to a certain end."""

from collections.abc import AsyncGenerator, Awaitable, Callable

from exporter.api.schemas import Page, Row, next_cursor
from exporter.errors import LoopError

MAX_PAGES = 10_000
"""Pages after which a listing is taken for endless."""


async def follow(
    fetch: Callable[[str | None], Awaitable[Page[Row]]],
) -> AsyncGenerator[Page[Row], None]:
    """Yield the first page, then each that the page before it names by a cursor.

    Raises LoopError when a cursor comes back or the pages are too many, and what `fetch` raises.
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
            raise LoopError(f"a cursor came back after {len(seen) + 1} pages")
        seen.add(cursor)
        if len(seen) == MAX_PAGES:
            raise LoopError(f"no end after {MAX_PAGES} pages")
