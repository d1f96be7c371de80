"""Series of one batch, agent or account in which every value is known, counted from the catalogue.

`docs/metrics.md` and the sizing formula in `docs/performance.md` are made of, or compared with, it.
"""

from collections.abc import Iterable

from exporter.config import Batches
from exporter.metrics.metric import AnyMetric, LabelledMetric, Subject
from exporter.model import (
    CALL_STATUSES,
    AccountSnapshot,
    Agent,
    AgentSnapshot,
    Batch,
    BatchState,
    CallStatus,
    DiscoveryHealth,
    Listing,
    PollHealth,
)
from exporter.selection import AccountSelection, AgentSelection, select_agent, sums_by_state

NOW = 1_800_000_000.0
"""The time of the scrape, in seconds since the epoch."""

_HOUR = 3600.0

LIVE = Batch(
    "b",
    created=NOW - _HOUR,
    total=10,
    completed=4,
    window_start=NOW - _HOUR,
    window_end=NOW + _HOUR,
    last_progress=NOW,
)
ENDED = Batch(
    "b",
    created=NOW - _HOUR,
    total=10,
    completed=4,
    window_start=NOW - _HOUR,
    window_end=NOW + _HOUR,
    ended=NOW,
    last_progress=NOW,
)
"""Batches with a window, and without call status (`batches.outcomes` is off by default)."""

CALLS = CallStatus(tuple(1 for _ in CALL_STATUSES), NOW, (10, 4, BatchState.ACTIVE))
"""What `batches.outcomes` adds to a batch."""

_SNAPSHOT = AgentSnapshot(
    Agent("main", "a", "A"),
    PollHealth(30.0, up=True, last_poll=NOW, last_success=NOW, duration=1.0),
    Listing((), pages=1, reported=0),
    {"full": 1, "incremental": 1},
)
AGENT: AgentSelection = select_agent(_SNAPSHOT, 0, sums_by_state((), NOW), Batches())

ACCOUNT = AccountSelection(
    AccountSnapshot("main", 5.0, up=True, last_success=NOW),
    1.0,
    active_calls=1,
    allowed_calls=9,
    subscription_expiration=NOW,
)
DISCOVERING = AccountSelection(
    AccountSnapshot(
        "main",
        5.0,
        up=True,
        last_success=NOW,
        discovery=DiscoveryHealth(up=True, last_success=NOW, discovered=1, included={"*": 1}),
    ),
    1.0,
    active_calls=1,
    allowed_calls=9,
    subscription_expiration=NOW,
)
"""An account without discovery, and one with one include glob."""


def series(metric: AnyMetric[Subject], subject: Subject) -> list[str]:
    """Return the further labels of each series of a metric, empty without further labels."""
    if isinstance(metric, LabelledMetric):
        return [labels for labels, _ in metric.samples(subject, NOW)]
    return [] if metric.value(subject, NOW) is None else [""]


def count(metrics: Iterable[AnyMetric[Subject]], subject: Subject) -> int:
    """Return the number of series of a subject."""
    return sum(len(series(metric, subject)) for metric in metrics)
