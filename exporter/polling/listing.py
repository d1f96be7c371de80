"""How much of an agent's listing is read."""

from collections.abc import AsyncIterable

from exporter.api.wire import BatchRow, Page, to_batch
from exporter.model import Batch, Listing


async def read_full(pages: AsyncIterable[Page[BatchRow]], now: float, keep_ended: float) -> Listing:
    """Read every page; what ended `keep_ended` seconds before `now` or earlier is dropped.

    Paging by cursor may show a batch twice while others come and go; its later row is the fresher
    one, and counts. Raises what reading a page raises: then there is no listing at all.
    """
    batches: dict[str, Batch] = {}
    count = 0
    reported: int | None = None
    async for page in pages:
        count += 1
        reported = page.total
        for batch in map(to_batch, page.results):
            if batch.kept(now, keep_ended):
                batches[batch.batch_id] = batch
            else:
                batches.pop(batch.batch_id, None)
    return Listing(tuple(batches.values()), pages=count, reported=reported)
