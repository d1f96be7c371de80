"""How much of an agent's listing is read, and what is known after it.

A full listing reads every page. An incremental listing reads from the newest batch until it has
seen every batch that may have changed: it relies on the order, newest first, and so checks the
order on every page.
"""

import math
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

import msgspec
from msgspec.structs import replace

from exporter.api.schemas import BatchRecord, Page, to_batch
from exporter.model import Batch, Listing

MARGIN = 600.0
"""Seconds after its `created` at which a batch may become visible (inferred)."""


class Target(msgspec.Struct, frozen=True):
    """What a listing must have seen before it may stop.

    `live` are the ids of the batches that may have changed, `newest` is the latest `created` known,
    and the records must reach back to one created before `bound`. Times are seconds since the
    epoch. The default is the target of a full listing: no record was created before its bound.
    """

    live: frozenset[str] = frozenset()
    newest: float = -math.inf
    bound: float = -math.inf


def target_after(previous: Listing | None, now: float, full_interval: float) -> Target:
    """Return the target of the listing after `previous`, at `now`.

    The listing is full each `full_interval` seconds; after a listing out of order; after one that
    lost a live batch (while records come and go, pagination by cursor may skip one); and after the
    clock was put back.
    """
    if previous is None:
        return Target()
    live = frozenset(batch.batch_id for batch in previous.batches if batch.live)
    recent = 0 <= now - previous.complete_at < full_interval
    if previous.newest is None or not previous.ordered or previous.lost or not recent:
        return Target(live)
    return Target(live, previous.newest, previous.newest - MARGIN)


class Progress:
    """How far a listing has come: `enough` decides whether it stops."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._unseen = set(target.live)
        self._last = math.inf
        self.newest: float | None = None
        self.ordered = True

    def add(self, batches: Iterable[Batch]) -> None:
        """Take the batches of one page into account, in their order."""
        for batch in batches:
            self.ordered = self.ordered and batch.created <= self._last
            self._last = batch.created
            self.newest = batch.created if self.newest is None else max(self.newest, batch.created)
            self._unseen.discard(batch.batch_id)

    @property
    def lost(self) -> bool:
        """Whether a live batch has not been seen."""
        return bool(self._unseen)

    @property
    def enough(self) -> bool:
        """Whether no later page can have a batch that changed.

        Where the newest known batch is not among the records, it is gone, or the order is another.
        """
        return (
            self.ordered
            and not self.lost
            and self.newest is not None
            and self.newest >= self._target.newest
            and self._last < self._target.bound
        )


async def read(
    pages: AsyncGenerator[Page[BatchRecord], None],
    previous: Listing | None,
    target: Target,
    now: float,
    keep_ended: float,
) -> Listing:
    """Return the listing read from the pages, up to the target.

    Batches that ended `keep_ended` seconds before `now` or earlier are dropped. Raises what reading
    a page raises: then there is no listing at all.
    """
    progress, found = Progress(target), dict[str, Batch]()
    count, reported, stopped = 0, None, False
    async with aclosing(pages):
        async for page in pages:
            batches = [to_batch(record) for record in page.results]
            progress.add(batches)
            _keep(found, batches, now, keep_ended)
            count, reported = count + 1, page.total
            stopped = progress.enough and bool(page.next)
            if stopped:
                break
    listing = Listing(
        tuple(found.values()),
        pages=count,
        reported=reported,
        newest=progress.newest,
        ordered=progress.ordered,
        lost=progress.lost,
        complete_at=now,
    )
    if previous is None or not stopped:
        return listing
    return continued(previous, listing, now, keep_ended)


def _keep(found: dict[str, Batch], batches: Iterable[Batch], now: float, keep_ended: float) -> None:
    """Add the batches that are kept.

    Pagination by cursor may list a batch twice while others come and go; its later record is the
    newer one, and counts.
    """
    for batch in batches:
        if batch.is_retained(now, keep_ended):
            found[batch.batch_id] = batch
        else:
            found.pop(batch.batch_id, None)


def continued(previous: Listing, read: Listing, now: float, keep_ended: float) -> Listing:
    """Return an incremental listing: the batches not read have ended, and stay as they were."""
    known = {batch.batch_id for batch in read.batches}
    rest = (
        batch
        for batch in previous.batches
        if not batch.live and batch.batch_id not in known and batch.is_retained(now, keep_ended)
    )
    return replace(
        read,
        batches=(*read.batches, *rest),
        kind="incremental",
        complete_at=previous.complete_at,
    )
