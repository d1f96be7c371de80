"""What is known about batches, agents and accounts. Frozen: a change makes a new record.

Times are seconds since the Unix epoch, durations are seconds. `None` means "unknown or not
applicable": the series is then absent, never 0.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec

from exporter.errors import UnreadableRecord


class BatchState(StrEnum):
    """The states of a batch. A batch has the first state whose condition is true, in this order."""

    ENDED = "ended"
    PAUSED = "paused"
    WINDOW_CLOSED = "window_closed"
    SCHEDULED = "scheduled"
    DRAINED = "drained"
    ACTIVE = "active"


CALL_STATUSES = ("future", "pending", "success", "expired", "error")
"""The statuses of a scheduled call (documented), as label values."""


class CallStatus(msgspec.Struct, frozen=True, gc=False):
    """The number of a batch's calls by status, in the order of CALL_STATUSES; None if not known.

    `calls` is empty if the API sends no totals. The requests began at `asked` and ended at
    `answered`; `fingerprint` is the batch's at their beginning.
    """

    calls: tuple[int | None, ...]
    asked: float
    fingerprint: tuple[int, int, BatchState]
    answered: float = 0.0


class Batch(msgspec.Struct, frozen=True, gc=False):
    """One scheduled call batch as the API last described it.

    `total` and `completed` count calls. Completed means "created or error" (documented), whether or
    not the call was answered. `last_progress` is the time at which this process last saw
    `completed` rise, None before that. `throttle` is empty if the batch has none. `webhook` says
    whether the batch has a webhook; its URL is not stored. `call_status` is None while unknown.
    """

    batch_id: str
    created: float
    total: int
    completed: int
    paused: bool = False
    window_start: float | None = None
    window_end: float | None = None
    ended: float | None = None
    throttle: str = ""
    webhook: bool = False
    last_progress: float | None = None
    call_status: CallStatus | None = None

    @property
    def live(self) -> bool:
        """Return whether the batch may still change: the API has not set `endedAt`."""
        return self.ended is None

    @property
    def remaining(self) -> int:
        """Return the number of calls not completed: at least 0, whatever the API reports."""
        return max(self.total - self.completed, 0)

    def state(self, now: float) -> BatchState:
        """Return the state at `now` (seconds since the epoch)."""
        if self.ended is not None:
            return BatchState.ENDED
        if self.paused:
            return BatchState.PAUSED
        if self.window_end is not None and self.window_end <= now:
            return BatchState.WINDOW_CLOSED
        if self.window_start is not None and self.window_start > now:
            return BatchState.SCHEDULED
        return BatchState.DRAINED if self.completed >= self.total else BatchState.ACTIVE

    def progress_fingerprint(self, now: float) -> tuple[int, int, BatchState]:
        """Return a value that differs when calls were made, or can start or no longer be made."""
        return (self.total, self.completed, self.state(now))

    def window_remaining(self, now: float) -> float | None:
        """Return the seconds after `now` in which calls can still be made.

        Before the window opens, these are all seconds of the window. None if the window has no end
        or the batch has ended.
        """
        if self.window_end is None or self.ended is not None:
            return None
        opens = now if self.window_start is None else max(now, self.window_start)
        return max(self.window_end - opens, 0.0)

    def window_counts_down(self, now: float) -> bool:
        """Return whether the remaining window time falls by one second per second at `now`.

        That is while the window is open and has an end, and the batch has not ended.
        """
        if self.window_end is None or self.ended is not None:
            return False
        return (self.window_start is None or self.window_start <= now) and now < self.window_end

    def window_times(self) -> tuple[float, ...]:
        """Return the times at which a live batch's window opens and closes; empty once ended.

        At these times the state, and what window_counts_down returns, change without an answer of
        the API.
        """
        if self.ended is not None:
            return ()
        return tuple(time for time in (self.window_start, self.window_end) if time is not None)

    def is_retained(self, now: float, keep_ended: float) -> bool:
        """Return whether the batch is live, or ended less than `keep_ended` seconds ago."""
        return self.ended is None or now < self.ended + keep_ended


Kind: TypeAlias = Literal["full", "incremental"]
"""How a listing was read: all pages, or from the newest batch until every live one was seen."""


class Listing(msgspec.Struct, frozen=True):
    """What is known of an agent's batches after one listing.

    `batches` are the live batches and the ended batches that are retained, in no particular order.
    `pages` is the number of pages read, `reported` the API's `total`, None if it sends none.
    `newest` is the latest `created` of all records, None without records. `ordered` says whether
    the records came newest first, `lost` whether a batch is missing that was live before.
    `unreadable` are the records that can't be read, of batches that would be in `batches`.
    `complete_at` is the time at which the last full listing began: this one, if it is full.
    """

    batches: tuple[Batch, ...]
    pages: int
    reported: int | None = None
    kind: Kind = "full"
    newest: float | None = None
    ordered: bool = True
    lost: bool = False
    unreadable: tuple[UnreadableRecord, ...] = ()
    complete_at: float = 0.0

    @property
    def any_live(self) -> bool:
        """Return whether the agent has a live batch, readable or not."""
        live = any(batch.live for batch in self.batches)
        return live or any(record.live for record in self.unreadable)


class Agent(msgspec.Struct, frozen=True):
    """An agent's identity and name. `labels` are the user's own, for `ultravox_agent_info`."""

    account: str
    agent_id: str
    name: str
    labels: Mapping[str, str] = {}

    @property
    def key(self) -> "AgentKey":
        """Return the agent's identity, which never changes."""
        return (self.account, self.agent_id)


AgentKey: TypeAlias = tuple[str, str]
"""(account, agent_id)."""


class PollHealth(msgspec.Struct, frozen=True):
    """The result of an agent's polls. `up` is None before the first poll.

    `last_poll` and `last_success` are the times at which a poll began: the API's answers are from
    that time or later. `duration` is that of the last poll, `interval` the time between the starts
    of two polls as it applies now (both in seconds). `failures` counts failed polls by reason.
    """

    interval: float
    up: bool | None = None
    last_poll: float | None = None
    last_success: float | None = None
    duration: float | None = None
    polls: int = 0
    failures: Mapping[str, int] = {}


class AgentSnapshot(msgspec.Struct, frozen=True):
    """An agent, its last complete listing (None before the first), and the result of its polls.

    `pages` is the number of pages that the last listing of each kind took.
    """

    agent: Agent
    health: PollHealth
    listing: Listing | None = None
    pages: Mapping[Kind, int] = {}


class DiscoveryHealth(msgspec.Struct, frozen=True):
    """The result of an account's last discovery of agents, and of the last successful one.

    `last_success` is the time at which the last successful discovery began. `discovered` is the
    number of agents that it selected, agents that are also configured included. `included` is the
    number of agents that each include glob matches. They are None, None and empty before the first
    success. `pages` is the number of pages of agents that it read.
    """

    up: bool
    last_success: float | None = None
    discovered: int | None = None
    included: Mapping[str, int] = {}
    pages: int = 1


class AccountSnapshot(msgspec.Struct, frozen=True):
    """An account: the result of its probes and the last complete answers.

    `up` is None before the first probe, `last_success` is when the last successful one began.
    `allowed_calls` is None without a hard cap, `subscription_expiration` if access does not end
    (documented), `discovery` without discovery. `clock_offset` is above 0 if our clock is ahead.
    """

    account: str
    requests_per_second: float
    discovery_interval: float | None = None
    up: bool | None = None
    last_success: float | None = None
    active_calls: int | None = None
    allowed_calls: int | None = None
    subscription_expiration: float | None = None
    discovery: DiscoveryHealth | None = None
    clock_offset: float | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """Everything that is known at one time: `/metrics` is a function of this and the time."""

    accounts: tuple[AccountSnapshot, ...] = ()
    agents: tuple[AgentSnapshot, ...] = ()

    def agents_of(self, account: str) -> Iterator[AgentSnapshot]:
        """Return the account's agents."""
        return (each for each in self.agents if each.agent.account == account)
