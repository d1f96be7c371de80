"""The frozen records of a simulated account.

A definition (`Account`, `Agent`, `Campaign`) tells time as *offsets*: simulated seconds relative
to the epoch, negative for the past. `dialling.place` turns them into unix seconds. What the API
shows at one moment is a `Batch`, whose times are unix seconds.
"""

from typing import TypedDict

import msgspec

from exporter.simulator.canaries import WEBHOOK_CANARY

DAY = 86_400.0
"""Seconds in a day."""


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that dials by itself: its counts at any moment follow from this record alone.

    `rate` is calls per second of the same clock as the times. Dialling runs from `created` or
    `window_start`, whichever is later, until `window_end`, `stalled_at` or `paused_at`, whichever
    is first. With `ends` false the API never sets `endedAt`: the reference knows such batches.
    `error_share` (0 to 1) of the calls made are errors. `omitted` names the JSON fields that this
    row leaves out. `scenario` is for people and tests: the API never serves it.
    """

    batch_id: str
    scenario: str
    created: float
    total: int
    rate: float
    window_start: float | None = None
    window_end: float | None = None
    stalled_at: float | None = None
    paused_at: float | None = None
    ends: bool = True
    error_share: float = 0.0
    throttle: str | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = WEBHOOK_CANARY
    omitted: tuple[str, ...] = ()


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent: `name` may be absent (documented); `created` is an offset in simulated seconds.

    With `bare_pages` the pages of its batches leave out `total`, and `next` and `previous` where
    they would be null: the schema allows it, and only `results` is required (documented).
    """

    agent_id: str
    name: str | None = None
    campaigns: tuple[Campaign, ...] = ()
    created: float = -30 * DAY
    bare_pages: bool = False


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account: its agents, and the two numbers of `/api/accounts/me` that a monitor reads.

    `allowed_concurrent_calls` is None when there is no hard cap (documented).
    """

    name: str
    agents: tuple[Agent, ...] = ()
    active_calls: int = 0
    allowed_concurrent_calls: int | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What the API knows of a batch at one moment; times are unix seconds.

    `error_count` of the `completed_count` calls are errors. `omitted` names the JSON fields that
    the row leaves out.
    """

    batch_id: str
    created: float
    total_count: int = 1
    completed_count: int = 0
    error_count: int = 0
    window_start: float | None = None
    window_end: float | None = None
    ended_at: float | None = None
    paused: bool = False
    throttle: str | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = WEBHOOK_CANARY
    omitted: tuple[str, ...] = ()


class BatchFields(TypedDict, total=False):
    """The keywords of `Simulator.update`: the fields of `Batch`, but for its id."""

    created: float
    total_count: int
    completed_count: int
    error_count: int
    window_start: float | None
    window_end: float | None
    ended_at: float | None
    paused: bool
    throttle: str | None
    webhook_url: str | None
    webhook_secret: str | None
    omitted: tuple[str, ...]


class NewBatchFields(BatchFields, total=False):
    """The keywords of `Simulator.create`: all the fields of `Batch`."""

    batch_id: str
