"""The frozen records of a simulated account, and its random ids.

A definition (`Account`, `Agent`, `Campaign`) gives times as *offsets*: simulated seconds relative
to the epoch, negative for the past. `progress.place` and `progress.place_agent` turn them into unix
seconds. What the API shows at one moment is a `Batch`, whose times are unix seconds.
"""

import random
import uuid
from typing import TypedDict

import msgspec

DAY = 86_400.0
"""Seconds in a day."""

WEBHOOK_CANARY = "canary-webhook-signing-9f2c"
"""The made-up `webhookSecret` of a batch, unless another is given. No monitor may show it."""


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A batch whose counts follow from this record and the time alone.

    `rate` is calls per second of the same clock as the times. Calls are made from `created` or
    `window_start`, whichever is later, until `window_end`, `stalled_at` or `paused_at`, whichever
    is first. With `ends` false the API never sets `endedAt`: the API has such batches.
    `error_share` (0 to 1) of the calls made are errors. `omitted` names the JSON fields that the
    record of the API leaves out. `scenario` is for people and tests: the API never serves it.
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
    """An agent: `name` may be absent (documented).

    `created` is an offset in simulated seconds; in unix seconds once the simulator has placed it.
    With `bare_pages` the pages of its batches leave out `total`, and `next` and `previous` where
    they would be null: the schema allows it, and only `results` is required (documented).
    """

    agent_id: str
    name: str | None = None
    campaigns: tuple[Campaign, ...] = ()
    created: float = -30 * DAY
    bare_pages: bool = False


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account: its agents, and the fields of `/api/accounts/me` that a monitor reads.

    `allowed_concurrent_calls` is None when there is no hard cap (documented).
    `subscription_expiration` is an offset in simulated seconds; in unix seconds once the simulator
    has placed it; None without a time at which the subscription expires (documented).
    """

    name: str
    agents: tuple[Agent, ...] = ()
    active_calls: int = 0
    allowed_concurrent_calls: int | None = None
    subscription_expiration: float | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as the API shows it at one moment; times are unix seconds.

    `error_count` of the `completed_count` calls are errors. `omitted` names the JSON fields that
    the record of the API leaves out.
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
    """The keywords of `Simulator.update`: the fields of `Batch` without its id."""

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


def seeded_random(seed: int | str) -> random.Random:
    """Return a generator whose numbers depend on `seed` alone."""
    return random.Random(seed)  # noqa: S311 - reproducible by design, and nothing secret uses it


def new_id(rng: random.Random) -> str:
    """Return the next UUID (documented: `format: uuid`) of a generator."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
