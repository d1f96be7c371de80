"""The selection: which data of an agent and of an account are exposed at one time. Pure.

Data are stale when the last success is older than `stale_after`. Stale data are not exposed.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from exporter.config import Batches, Config, Polling
from exporter.model import AccountSnapshot, AgentSnapshot, Batch, BatchState, Listing
from exporter.plan import planned_rate


class SelectionSettings(msgspec.Struct, frozen=True):
    """The parts of the configuration on which the selection depends."""

    polling: Polling
    batches: Batches

    @classmethod
    def of(cls, config: Config) -> "SelectionSettings":
        """Return the settings of a configuration."""
        return cls(config.polling, config.batches)


class Sums(msgspec.Struct, frozen=True):
    """Over the batches in one state: the number of batches, and the numbers of their calls."""

    batches: int = 0
    calls: int = 0
    completed: int = 0


class AgentSelection(msgspec.Struct, frozen=True):
    """What is exposed of an agent.

    `listing` is None, and nothing is counted, while the agent's data are stale or unknown. `sums`
    has every state and counts every retained batch. `hidden` is the number of batches without
    series of their own, by the reason.
    """

    snapshot: AgentSnapshot
    listing: Listing | None = None
    sums: Mapping[BatchState, Sums] = {}
    hidden: Mapping[str, int] = {}


def is_stale(last_success: float | None, now: float, stale_after: float) -> bool:
    """Return whether data of `last_success` are too old at `now`, or there are none.

    Times are seconds since the epoch, `stale_after` is seconds. After the clock was set back,
    `last_success` is in the future: such data are stale when it is `stale_after` or more ahead.
    """
    return last_success is None or not (
        last_success - stale_after < now < last_success + stale_after
    )


def select_agent(
    snapshot: AgentSnapshot, with_series: int, sums: Mapping[BatchState, Sums], batches: Batches
) -> AgentSelection:
    """Return the selection of an agent whose data are not stale.

    `with_series` is the number of batches that have series of their own.
    """
    hidden = sum(each.batches for each in sums.values()) - with_series
    return AgentSelection(
        snapshot,
        snapshot.listing,
        sums,
        {
            "max_per_agent": hidden if batches.per_batch_series else 0,
            "per_batch_series": 0 if batches.per_batch_series else hidden,
        },
    )


def batches_with_series(retained: Iterable[Batch], batches: Batches) -> tuple[Batch, ...]:
    """Return the batches that have series of their own.

    If all have, they keep their order. Otherwise live batches come first, then the batches that
    ended last. The order does not depend on what a poll can change in a live batch, so the same
    batches are selected after each poll.
    """
    if not batches.per_batch_series:
        return ()
    found = tuple(retained)
    if len(found) <= batches.max_per_agent:
        return found
    return tuple(sorted(found, key=_precedence)[: batches.max_per_agent])


def _precedence(batch: Batch) -> tuple[bool, float, str]:
    newest = batch.created if batch.ended is None else batch.ended
    return (not batch.live, -newest, batch.batch_id)


def sums_by_state(batches: Iterable[Batch], now: float) -> Mapping[BatchState, Sums]:
    """Return the sums over the batches by their state at `now` (seconds since the epoch).

    Every state is present.
    """
    counts = {state: [0, 0, 0] for state in BatchState}
    for batch in batches:
        count = counts[batch.state(now)]
        count[0] += 1
        count[1] += batch.total
        count[2] += batch.completed
    return {state: Sums(*count) for state, count in counts.items()}


def total_sums(parts: Sequence[Mapping[BatchState, Sums]]) -> Mapping[BatchState, Sums]:
    """Return the totals by state of sums over parts of the batches. Every state is present."""
    return {
        state: Sums(
            sum(part[state].batches for part in parts),
            sum(part[state].calls for part in parts),
            sum(part[state].completed for part in parts),
        )
        for state in BatchState
    }


class AccountSelection(msgspec.Struct, frozen=True):
    """What is exposed of an account.

    `planned_rate` is the rate of requests that polling needs, in requests per second. The other
    fields are those of the snapshot; they are None while the account's data are stale or unknown.
    """

    snapshot: AccountSnapshot
    planned_rate: float
    active_calls: int | None = None
    allowed_calls: int | None = None
    subscription_expiration: float | None = None


def select_account(
    snapshot: AccountSnapshot,
    agents: Iterable[AgentSnapshot],
    now: float,
    settings: SelectionSettings,
) -> AccountSelection:
    """Return the selection of an account with these agents at `now` (seconds since the epoch)."""
    rate = planned_rate(snapshot, agents, settings.polling)
    if is_stale(snapshot.last_success, now, settings.polling.stale_after):
        return AccountSelection(snapshot, rate)
    return AccountSelection(
        snapshot,
        rate,
        snapshot.active_calls,
        snapshot.allowed_calls,
        snapshot.subscription_expiration,
    )
