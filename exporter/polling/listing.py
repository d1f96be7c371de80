"""How much of an agent's listing is read, and what is known after it.

A full listing reads every page. An incremental one reads from the newest batch until it has seen
all that may have changed: it relies on the order, newest first, and so checks it on every page.
"""

import math
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

import msgspec
from msgspec.structs import replace

from exporter.api.schemas import BatchRecord, Page, to_batch
from exporter.model import Batch, Listing

MARGIN = 600.0
"""Seconds: a batch may become visible so long after its `created` (inferred)."""


class Goal(msgspec.Struct, frozen=True):
    """What a listing must have seen before it may stop.

    `live` are the ids of batches that may have changed, `newest` is the latest `created` known, and
    the rows must go on to one created before `bound`.
    """

    live: frozenset[str] = frozenset()
    newest: float = -math.inf
    bound: float = -math.inf


def goal(previous: Listing | None, now: float, full_every: float) -> Goal:
    """Return the goal of the listing after `previous`, at `now`; full ones come each `full_every`.

    The default bound is that of a full listing: no row was created before it. An agent whose last
    listing was out of order is listed in full each time, and so is one that lost a live batch:
    while rows come and go, paging by cursor may skip one that is there. So is everything after a
    clock that was put back.
    """
    if previous is None:
        return Goal()
    live = frozenset(batch.batch_id for batch in previous.batches if batch.live)
    recent = 0 <= now - previous.complete_at < full_every
    if previous.newest is None or not previous.ordered or previous.lost or not recent:
        return Goal(live)
    return Goal(live, previous.newest, previous.newest - MARGIN)


class Reach:
    """How far the rows have come: `enough` decides whether to read on or to stop."""

    def __init__(self, target: Goal) -> None:
        self._target = target
        self._unseen = set(target.live)
        self._last = math.inf
        self.newest: float | None = None
        self.ordered = True

    def see(self, rows: Iterable[Batch]) -> None:
        """Take the rows of one page into account, in their order."""
        for batch in rows:
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
        """Whether no later page can hold news.

        Where the newest known batch is not among the rows, it is gone, or the order is another.
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
    target: Goal,
    now: float,
    keep_ended: float,
) -> Listing:
    """Read until the target is reached; what ended `keep_ended` before `now` or earlier is dropped.

    Raises what reading a page raises: then there is no listing at all.
    """
    reach, found = Reach(target), dict[str, Batch]()
    count, reported, stopped = 0, None, False
    async with aclosing(pages):
        async for page in pages:
            rows = [to_batch(row) for row in page.results]
            reach.see(rows)
            _keep(found, rows, now, keep_ended)
            count, reported, stopped = count + 1, page.total, reach.enough and bool(page.next)
            if stopped:
                break
    listing = Listing(
        tuple(found.values()),
        pages=count,
        reported=reported,
        newest=reach.newest,
        ordered=reach.ordered,
        lost=reach.lost,
        complete_at=now,
    )
    if previous is None or not stopped:
        return listing
    return continued(previous, listing, now, keep_ended)


def _keep(found: dict[str, Batch], rows: Iterable[Batch], now: float, keep_ended: float) -> None:
    """Add the rows that are kept.

    Paging by cursor may show a batch twice while others come and go; its later row is the fresher
    one, and counts.
    """
    for batch in rows:
        if batch.is_retained(now, keep_ended):
            found[batch.batch_id] = batch
        else:
            found.pop(batch.batch_id, None)


def continued(previous: Listing, read: Listing, now: float, keep_ended: float) -> Listing:
    """Return an incremental listing: what was not read is ended, and stays as it was."""
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
