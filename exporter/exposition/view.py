"""What of an agent's snapshot is shown at a moment. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from exporter.config import Batches, Config, Polling
from exporter.model import AccountSnapshot, AgentSnapshot, Batch, BatchState, Listing
from exporter.plan import planned


class Policy(msgspec.Struct, frozen=True):
    """What the configuration says about what is shown."""

    polling: Polling
    batches: Batches

    @classmethod
    def of(cls, config: Config) -> "Policy":
        """Return the configuration's policy."""
        return cls(config.polling, config.batches)


class Sums(msgspec.Struct, frozen=True):
    """Over the batches in one state: how many there are, and their calls."""

    batches: int = 0
    calls: int = 0
    completed: int = 0


class AgentView(msgspec.Struct, frozen=True):
    """An agent at a moment. Without a listing to trust (None) nothing is counted or shown.

    `sums` has every state and counts every batch that is kept; `shown` are the batches with series
    of their own; `hidden` counts the others by reason.
    """

    snapshot: AgentSnapshot
    listing: Listing | None
    sums: Mapping[BatchState, Sums]
    shown: tuple[Batch, ...]
    hidden: Mapping[str, int]


def fresh(last_success: float | None, now: float, stale_after: float) -> bool:
    """Whether what was known at `last_success` is young enough to be served at `now`.

    After a clock that was put back, what seems to come from the future is as old as it is far off.
    """
    return last_success is not None and abs(now - last_success) < stale_after


def view_agent(snapshot: AgentSnapshot, now: float, policy: Policy) -> AgentView:
    """Return what is shown of the agent at `now`."""
    listing = snapshot.listing
    if listing is None or not fresh(snapshot.health.last_success, now, policy.polling.stale_after):
        return AgentView(snapshot, None, {}, (), {})
    kept = [batch for batch in listing.batches if batch.kept(now, policy.batches.keep_ended)]
    shown = selected(kept, policy.batches)
    hidden = len(kept) - len(shown)
    return AgentView(
        snapshot,
        listing,
        summed(kept, now),
        shown,
        {
            "max_per_agent": hidden if policy.batches.per_batch_series else 0,
            "per_batch_series": 0 if policy.batches.per_batch_series else hidden,
        },
    )


def selected(kept: Iterable[Batch], batches: Batches) -> tuple[Batch, ...]:
    """Return the batches that have series of their own."""
    if not batches.per_batch_series:
        return ()
    return tuple(sorted(kept, key=_precedence)[: batches.max_per_agent])


def _precedence(batch: Batch) -> tuple[bool, float, str]:
    """Order live batches before ended ones, each newest first.

    Nothing that a poll may change in a live batch takes part, so the choice is the same from poll
    to poll.
    """
    newest = batch.created if batch.ended is None else batch.ended
    return (not batch.live, -newest, batch.batch_id)


def summed(batches: Iterable[Batch], now: float) -> Mapping[BatchState, Sums]:
    """Return the sums by state, every state present."""
    sums = dict.fromkeys(BatchState, Sums())
    for batch in batches:
        state = batch.state(now)
        so_far = sums[state]
        sums[state] = Sums(
            so_far.batches + 1, so_far.calls + batch.total, so_far.completed + batch.completed
        )
    return sums


class AccountView(msgspec.Struct, frozen=True):
    """An account at a moment. The calls are None where they are unknown or too old to trust.

    `planned` is what the cadences in force add up to, in requests a second.
    """

    snapshot: AccountSnapshot
    planned: float
    active_calls: int | None = None
    allowed_calls: int | None = None


def view_account(
    snapshot: AccountSnapshot, agents: Iterable[AgentSnapshot], now: float, policy: Policy
) -> AccountView:
    """Return what is shown at `now` of the account that these agents belong to."""
    rate = planned(snapshot, agents, policy.polling)
    if not fresh(snapshot.last_success, now, policy.polling.stale_after):
        return AccountView(snapshot, rate)
    return AccountView(snapshot, rate, snapshot.active_calls, snapshot.allowed_calls)
