"""How much of a listing is read, and what of it is kept."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from exporter.api.wire import BatchRow, Page, to_batch
from exporter.model import Listing
from exporter.polling.listing import read_full


def row(batch_id: str, *, completed: int = 0, ended: float | None = None) -> BatchRow:
    """Return a row of the API."""
    moment = None if ended is None else datetime.fromtimestamp(ended, UTC)
    return BatchRow(batch_id, datetime.fromtimestamp(1000, UTC), 10, completed, moment)


async def pages(
    *batches: list[BatchRow], totals: tuple[int | None, ...] = ()
) -> AsyncIterator[Page[BatchRow]]:
    """Yield pages with these rows and totals."""
    for index, rows in enumerate(batches):
        yield Page(rows, total=totals[index] if totals else None)


async def test_batches_that_ended_long_ago_pass_by() -> None:
    old, late = row("old", ended=900), row("late", ended=901)
    listing = await read_full(pages([row("live"), late], [old]), now=1000, keep_ended=100)
    assert listing == Listing((to_batch(row("live")), to_batch(late)), pages=2)


async def test_a_batch_shown_twice_counts_once_as_shown_last() -> None:
    listing = await read_full(
        pages([row("b", completed=1)], [row("b", completed=2)]), now=1000, keep_ended=100
    )
    assert listing.batches == (to_batch(row("b", completed=2)),)


async def test_a_batch_shown_live_and_then_long_ended_is_dropped() -> None:
    listing = await read_full(pages([row("b")], [row("b", ended=1)]), now=1000, keep_ended=100)
    assert listing.batches == ()


async def test_the_total_is_that_of_the_last_page() -> None:
    both = pages([row("a")], [row("b")], totals=(1, 2))
    assert (await read_full(both, now=0, keep_ended=0)).reported == 2
    silent = pages([row("a")], [row("b")], totals=(1, None))
    assert (await read_full(silent, now=0, keep_ended=0)).reported is None
