"""The next snapshot of an agent after a poll. Pure."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from exporter.config import Polling
from exporter.model import AgentSnapshot, Batch, Listing, PollHealth
from exporter.polling.schedule import backed_off, poll_interval


class Poll(msgspec.Struct, frozen=True):
    """One poll's beginning (seconds since the epoch) and duration (seconds)."""

    began: float
    duration: float


def succeeded(
    previous: AgentSnapshot, poll: Poll, listing: Listing, polling: Polling
) -> AgentSnapshot:
    """Return the snapshot after a complete listing."""
    known = () if previous.listing is None else previous.listing.batches
    batches = with_memory(known, listing.batches, poll.began, polling.stale_after)
    listing = replace(listing, batches=batches)
    health = replace(
        _polled(previous.health, poll),
        up=True,
        last_success=poll.began,
        interval=poll_interval(polling, any_live=listing.any_live),
    )
    pages = {**previous.pages, listing.kind: listing.pages}
    return replace(previous, health=health, listing=listing, pages=pages)


def failed(
    previous: AgentSnapshot, poll: Poll, reason: str, polling: Polling, failures_in_a_row: int
) -> AgentSnapshot:
    """Return the snapshot after a failed poll, this failure counted: only the health differs."""
    failures = previous.health.failures
    health = replace(
        _polled(previous.health, poll),
        up=False,
        failures={**failures, reason: failures.get(reason, 0) + 1},
        interval=backed_off(interval_in_failure(previous, polling), failures_in_a_row),
    )
    return replace(previous, health=health)


def interval_in_failure(previous: AgentSnapshot, polling: Polling) -> float:
    """Return the interval, in seconds and without back-off, while an agent's polls fail.

    It is that of the last listing; before the first, the agent may have live batches.
    """
    any_live = previous.listing is None or previous.listing.any_live
    return poll_interval(polling, any_live=any_live)


def _polled(health: PollHealth, poll: Poll) -> PollHealth:
    return replace(health, last_poll=poll.began, duration=poll.duration, polls=health.polls + 1)


def with_memory(
    known: Iterable[Batch], listed: Iterable[Batch], seen_at: float, stale_after: float
) -> tuple[Batch, ...]:
    """Return `listed`, each batch with what this process remembers of it and the API does not list.

    That is when its `completed` was last seen to rise (a batch that was not known before has not
    been seen to rise, whatever its count), and its call status, until that is both outdated and
    `stale_after` seconds old. Times are seconds since the epoch.
    """
    before: Mapping[str, Batch] = {batch.batch_id: batch for batch in known}

    def remembered(batch: Batch) -> Batch:
        was = before.get(batch.batch_id)
        if was is None:
            return batch
        progress = seen_at if batch.completed > was.completed else was.last_progress
        status = was.call_status
        if status and status.fingerprint != batch.progress_fingerprint(seen_at):
            status = status if seen_at - status.asked < stale_after else None
        if progress is not None or status is not None:
            batch = replace(batch, last_progress=progress, call_status=status)
        # The same object shows the cache of rendered chunks that nothing has changed.
        return was if was == batch else batch

    return tuple(map(remembered, listed))
