"""What of an agent's snapshot is shown at a moment. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from exporter.config import Batches, Config, Polling
from exporter.model import AccountSnapshot, AgentSnapshot, Batch, BatchState, Listing
from exporter.plan import planned


class SelectionSettings(msgspec.Struct, frozen=True):
    """What the configuration says about what is shown."""

    polling: Polling
    batches: Batches

    @classmethod
    def of(cls, config: Config) -> "SelectionSettings":
        """Return the configuration's policy."""
        return cls(config.polling, config.batches)


class Sums(msgspec.Struct, frozen=True):
    """Over the batches in one state: how many there are, and their calls."""

    batches: int = 0
    calls: int = 0
    completed: int = 0


class AgentSelection(msgspec.Struct, frozen=True):
    """An agent at a moment. Without a listing to trust (None) nothing is counted.

    `sums` has every state and counts every batch that is kept; `hidden` counts those without series
    of their own by reason.
    """

    snapshot: AgentSnapshot
    listing: Listing | None = None
    sums: Mapping[BatchState, Sums] = {}
    hidden: Mapping[str, int] = {}


def fresh(last_success: float | None, now: float, stale_after: float) -> bool:
    """Whether what was known at `last_success` is young enough to be served at `now`.

    After a clock that was put back, what seems to come from the future is as old as it is far off.
    """
    return (
        last_success is not None and last_success - stale_after < now < last_success + stale_after
    )


def select_agent(
    snapshot: AgentSnapshot, shown: int, sums: Mapping[BatchState, Sums], batches: Batches
) -> AgentSelection:
    """Return the view of an agent with a listing to trust, `shown` batches having series."""
    hidden = sum(each.batches for each in sums.values()) - shown
    return AgentSelection(
        snapshot,
        snapshot.listing,
        sums,
        {
            "max_per_agent": hidden if batches.per_batch_series else 0,
            "per_batch_series": 0 if batches.per_batch_series else hidden,
        },
    )


def batches_with_series(kept: Iterable[Batch], batches: Batches) -> tuple[Batch, ...]:
    """Return the batches that have series of their own; all, in their order, where none is hidden.

    Otherwise live ones come first, then the newest ended. Nothing that a poll may change in a live
    batch takes part, so the choice is the same from poll to poll.
    """
    if not batches.per_batch_series:
        return ()
    found = tuple(kept)
    if len(found) <= batches.max_per_agent:
        return found
    return tuple(sorted(found, key=_precedence)[: batches.max_per_agent])


def _precedence(batch: Batch) -> tuple[bool, float, str]:
    newest = batch.created if batch.ended is None else batch.ended
    return (not batch.live, -newest, batch.batch_id)


def sums_by_state(batches: Iterable[Batch], now: float) -> Mapping[BatchState, Sums]:
    """Return the sums by state, every state present."""
    counts = {state: [0, 0, 0] for state in BatchState}
    for batch in batches:
        count = counts[batch.state(now)]
        count[0] += 1
        count[1] += batch.total
        count[2] += batch.completed
    return {state: Sums(*count) for state, count in counts.items()}


def added(parts: Sequence[Mapping[BatchState, Sums]]) -> Mapping[BatchState, Sums]:
    """Return the sums over all parts."""
    return {
        state: Sums(
            sum(part[state].batches for part in parts),
            sum(part[state].calls for part in parts),
            sum(part[state].completed for part in parts),
        )
        for state in BatchState
    }


class AccountSelection(msgspec.Struct, frozen=True):
    """An account at a moment. The calls are None where they are unknown or too old to trust.

    `planned` is what the cadences in force add up to, in requests a second.
    """

    snapshot: AccountSnapshot
    planned: float
    active_calls: int | None = None
    allowed_calls: int | None = None


def select_account(
    snapshot: AccountSnapshot,
    agents: Iterable[AgentSnapshot],
    now: float,
    policy: SelectionSettings,
) -> AccountSelection:
    """Return what is shown at `now` of the account that these agents belong to."""
    rate = planned(snapshot, agents, policy.polling)
    if not fresh(snapshot.last_success, now, policy.polling.stale_after):
        return AccountSelection(snapshot, rate)
    return AccountSelection(snapshot, rate, snapshot.active_calls, snapshot.allowed_calls)
