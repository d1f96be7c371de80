"""What is known about batches, agents and accounts. Frozen: a change is a new record.

Times are seconds since the Unix epoch, durations are seconds. A `None` is "unknown or not
applicable" and becomes an absent series, never a 0.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec


class BatchState(StrEnum):
    """The states of a batch; a batch is in the first that fits, in this order."""

    ENDED = "ended"
    PAUSED = "paused"
    WINDOW_CLOSED = "window_closed"
    SCHEDULED = "scheduled"
    DRAINED = "drained"
    ACTIVE = "active"


CALL_STATUSES = ("future", "pending", "success", "expired", "error")
"""What may become of a call (documented), as label values."""


class CallStatus(msgspec.Struct, frozen=True, gc=False):
    """The number of a batch's calls by status, in the order of CALL_STATUSES.

    `calls` is empty where the API gives no totals. `asked` is when the requests began (seconds
    since the epoch), `fingerprint` is the batch's progress fingerprint at that time.
    """

    calls: tuple[int, ...]
    asked: float
    fingerprint: tuple[int, int, BatchState]


class Batch(msgspec.Struct, frozen=True, gc=False):
    """One scheduled call batch as the API last described it.

    `total` and `completed` count calls; completed means "created or error" (documented): dialled or
    failed, not answered. `last_progress` is when this process last saw `completed` rise, None until
    it has. `throttle` is empty when the batch has none; `webhook` says whether it has one, never
    where. `call_status` is None until it was asked for.
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
        """Whether the batch may still change: the API has not set its end."""
        return self.ended is None

    @property
    def remaining(self) -> int:
        """Calls not completed; never negative, whatever the API says of the two counts."""
        return max(self.total - self.completed, 0)

    def state(self, now: float) -> BatchState:
        """Return the state at `now`."""
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
        """Return what moves when calls are made, or can no longer be made."""
        return (self.total, self.completed, self.state(now))

    def window_remaining(self, now: float) -> float | None:
        """Return the seconds after `now` in which calls can still be made.

        The part of a window that has not opened counts from its opening. None without an end, or
        once ended.
        """
        if self.window_end is None or self.ended is not None:
            return None
        opens = now if self.window_start is None else max(now, self.window_start)
        return max(self.window_end - opens, 0.0)

    def open(self, now: float) -> bool:
        """Whether `now` lies in a window that has an end, before the API has ended the batch."""
        if self.window_end is None or self.ended is not None:
            return False
        return (self.window_start is None or self.window_start <= now) and now < self.window_end

    def edges(self) -> tuple[float, ...]:
        """Return when time alone changes the batch's state, or how its window runs."""
        if self.ended is not None:
            return ()
        return tuple(edge for edge in (self.window_start, self.window_end) if edge is not None)

    def kept(self, now: float, keep_ended: float) -> bool:
        """Whether the batch is live, or ended less than `keep_ended` seconds ago."""
        return self.ended is None or now < self.ended + keep_ended


Kind: TypeAlias = Literal["full", "incremental"]
"""How a listing was read: every page, or from the newest until what may have changed was seen."""


class Listing(msgspec.Struct, frozen=True):
    """What is known of an agent's batches after one listing.

    `batches` holds the live ones and those ended that are kept, in no particular order. `pages` is
    the number of pages read, `reported` the API's `total`, None when it sends none. `newest` is the
    latest `created` of all rows, None without rows. `ordered` says whether the rows came newest
    first, `lost` whether a batch is missing that was live before. `complete_at` is when the last
    listing began that read every page: this one, if full.
    """

    batches: tuple[Batch, ...]
    pages: int
    reported: int | None = None
    kind: Kind = "full"
    newest: float | None = None
    ordered: bool = True
    lost: bool = False
    complete_at: float = 0.0

    @property
    def any_live(self) -> bool:
        """Whether there is a batch that may still change."""
        return any(batch.live for batch in self.batches)


class Agent(msgspec.Struct, frozen=True):
    """Who an agent is. `labels` are the user's own, for `ultravox_agent_info` only."""

    account: str
    agent_id: str
    name: str
    labels: Mapping[str, str] = {}

    @property
    def key(self) -> "AgentKey":
        """What never changes for this agent."""
        return (self.account, self.agent_id)


AgentKey: TypeAlias = tuple[str, str]
"""(account, agent_id)."""


class PollHealth(msgspec.Struct, frozen=True):
    """How an agent's polls went. `up` is None before the first; times are when a poll began.

    A poll's answers were true at some moment after it began, so its beginning is the honest bound
    for "was known to be true then". `interval` is the cadence in force now. `failures` counts by
    reason.
    """

    interval: float
    up: bool | None = None
    last_poll: float | None = None
    last_success: float | None = None
    duration: float | None = None
    polls: int = 0
    failures: Mapping[str, int] = {}


class AgentSnapshot(msgspec.Struct, frozen=True):
    """An agent, its last complete listing (None before the first), and the health of its polls.

    `pages` is the number of pages that the last listing of each kind took.
    """

    agent: Agent
    health: PollHealth
    listing: Listing | None = None
    pages: Mapping[Kind, int] = {}


class DiscoveryHealth(msgspec.Struct, frozen=True):
    """How an account's last discovery went, and what its last success found.

    `last_success` is when that began; `chosen` is the number of agents that it found to be watched,
    configured ones among them, and `included` that of agents that each include glob matches: None
    and empty before the first.
    `pages` is how many pages of agents it read.
    """

    up: bool
    last_success: float | None = None
    chosen: int | None = None
    included: Mapping[str, int] = {}
    pages: int = 1


class AccountSnapshot(msgspec.Struct, frozen=True):
    """An account: its probe's health (`up` is None before the first) and the last complete answers.

    `allowed_calls` is None when the account has no hard cap (documented). `discovery` is None
    without discovery, and before it has been tried once. `requests_per_second` is the limit and
    `discovery_interval` the seconds between two discoveries (None: there is none), as configured.
    """

    account: str
    requests_per_second: float
    discovery_interval: float | None = None
    up: bool | None = None
    last_success: float | None = None
    active_calls: int | None = None
    allowed_calls: int | None = None
    discovery: DiscoveryHealth | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """All that is known at one moment: the first argument of `/metrics`."""

    accounts: tuple[AccountSnapshot, ...] = ()
    agents: tuple[AgentSnapshot, ...] = ()

    def agents_of(self, account: str) -> Iterator[AgentSnapshot]:
        """Yield the account's agents."""
        return (each for each in self.agents if each.agent.account == account)
