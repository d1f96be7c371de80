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

from exporter.api.decoding import Page
from exporter.api.schemas import BatchRecord, to_batch
from exporter.errors import UnreadableRecord
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
    live = frozenset(batch.batch_id for batch in previous.batches if batch.live) | frozenset(
        record.record_id for record in previous.unreadable if record.record_id and record.live
    )
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

    def add(self, batches: Iterable[Batch], unreadable: Iterable[UnreadableRecord] = ()) -> None:
        """Take one page into account: its batches, in their order, and its unreadable records.

        A batch whose record has a readable id is seen.
        """
        self._unseen -= {record.record_id for record in unreadable}
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
    progress, found = Progress(target), Found(now, keep_ended)
    count, reported, stopped = 0, None, False
    async with aclosing(pages):
        async for page in pages:
            batches = [to_batch(record) for record in page.results]
            count, reported = count + 1, page.total
            progress.add(batches, page.unreadable)
            found.add(batches)
            found.add_unreadable(page.unreadable, count)
            stopped = progress.enough and bool(page.next)
            if stopped:
                break
    listing = Listing(
        tuple(found.batches.values()),
        count,
        reported,
        newest=progress.newest,
        ordered=progress.ordered,
        lost=progress.lost,
        unreadable=found.unreadable,
        complete_at=now,
    )
    return continued(previous, listing, now, keep_ended) if previous and stopped else listing


class Found:
    """The batches of a listing that are kept, and the unreadable records of such batches.

    Pagination by cursor may list a batch twice while others come and go; its later record is the
    newer one, and counts.
    """

    def __init__(self, now: float, keep_ended: float) -> None:
        self._now = now
        self._keep_ended = keep_ended
        self._unreadable: dict[str, UnreadableRecord] = {}
        self._without_id: list[UnreadableRecord] = []
        self.batches: dict[str, Batch] = {}

    @property
    def unreadable(self) -> tuple[UnreadableRecord, ...]:
        """Return the unreadable records."""
        return (*self._unreadable.values(), *self._without_id)

    def add(self, batches: Iterable[Batch]) -> None:
        """Add the batches of one page that are kept."""
        for batch in batches:
            self._unreadable.pop(batch.batch_id, None)
            if batch.is_retained(self._now, self._keep_ended):
                self.batches[batch.batch_id] = batch
            else:
                self.batches.pop(batch.batch_id, None)

    def add_unreadable(self, records: Iterable[UnreadableRecord], page: int) -> None:
        """Add the unreadable records of a page; what its earlier record said of a batch is old."""
        for record in records:
            if record.record_id is not None:
                self.batches.pop(record.record_id, None)
                self._unreadable.pop(record.record_id, None)
            if not record.is_retained(self._now, self._keep_ended):
                continue
            if record.record_id is None:
                self._without_id.append(replace(record, page=page))
            else:
                self._unreadable[record.record_id] = replace(record, page=page)


def continued(previous: Listing, read: Listing, now: float, keep_ended: float) -> Listing:
    """Return an incremental listing: the batches not read have ended, and stay as they were.

    So do the unreadable records that were not read. One without an id is not read again if it was
    on a later page.
    """
    known = {batch.batch_id for batch in read.batches}
    known.update(record.record_id for record in read.unreadable if record.record_id)
    rest = (
        batch
        for batch in previous.batches
        if not batch.live and batch.batch_id not in known and batch.is_retained(now, keep_ended)
    )
    unreadable = (
        record
        for record in previous.unreadable
        if record.is_retained(now, keep_ended)
        and (
            record.page > read.pages
            if record.record_id is None
            else not record.live and record.record_id not in known
        )
    )
    return replace(
        read,
        batches=(*read.batches, *rest),
        unreadable=(*read.unreadable, *unreadable),
        kind="incremental",
        complete_at=previous.complete_at,
    )
