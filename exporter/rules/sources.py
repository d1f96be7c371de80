"""How PromQL expressions read the exporter's series: plain text, no I/O.

A gauge is read through `last_over_time`, so that a failed scrape or a restart leaves no gap, and
without the labels of the scrape target, so that a second replica or a moved pod counts once.
"""

import re
from dataclasses import dataclass
from typing import Protocol

from exporter.durations import render as duration

LOOKBACK = "5m"
"""How long a series that is no longer scraped is still read: longer than a restart takes."""

STEP = "30s"
"""Resolution of the subqueries that read the times of samples."""

MEMORY = "1h"
"""How far before a past moment the last sample of that moment may be."""

TARGET_LABELS = "instance, pod, node, host, pod_template_hash"
"""Labels of the scrape target: they change when a pod moves."""

OF_AGENT = "ignoring (batch_id)"
"""Vector matching between a batch's series and its agent's series."""


class Select(Protocol):
    """Returns the selector of a metric's series, with further matchers."""

    def __call__(self, metric: str, /, *matchers: str) -> str:
        """Return the selector."""
        ...


@dataclass(frozen=True, kw_only=True)
class Sources:
    """How expressions read what they have in common: recorded names, or the PromQL itself.

    `select` makes the selector of any other series. The vectors below have one sample per agent
    (`last_success`, `not_stale`) or one per batch (the others); times are Unix timestamps.
    """

    select: Select
    last_success: str
    """When the agent's last successful poll was."""
    calls: str
    completed: str
    remaining: str
    """Calls not completed; absent once the agent's listing no longer has the batch."""
    paused: str
    """0 or 1."""
    opening: str
    """When calls can first be made: the batch's creation, or a later window start."""
    window_end: str
    """Absent without an end of the window."""
    ended: str
    """When the batch ended; absent until then."""
    closing: str
    """When the last call can be made: the earlier of window end and the batch's end."""
    not_stale: str
    """`last_success` of the agents whose data are not stale."""
    active: str
    """Active batches: seconds from their opening to the agent's last successful poll."""


def select(metric: str, /, *matchers: str) -> str:
    """Return the selector of a metric's series with these matchers alone."""
    return f"{metric}{{{','.join(matchers)}}}" if matchers else metric


def last_value(
    read: Select, metric: str, *matchers: str, operator: str = "max", without: str = ""
) -> str:
    """Return a gauge's last value within LOOKBACK, whichever replica serves it."""
    return over(f"last_over_time({read(metric, *matchers)}[{LOOKBACK}])", operator, without)


def value_ago(read: Select, metric: str, seconds: float) -> str:
    """Return a gauge's last value as it was a number of seconds ago."""
    return over(f"last_over_time({read(metric)}[{MEMORY}] offset {duration(seconds)})")


def last_scraped(selector: str) -> str:
    """Return when series were last scraped, within LOOKBACK.

    The steps of a subquery are whole multiples of STEP, so the time since the last step is read by
    an instant selector.
    """
    times = f"timestamp({selector})"
    return f"({times} or max_over_time({times}[{LOOKBACK}:{STEP}]))"


def over(vector: str, operator: str = "max", without: str = "") -> str:
    """Return the vector aggregated without the target's labels, and without those named."""
    labels = f"{TARGET_LABELS}, {without}" if without else TARGET_LABELS
    return f"{operator} without ({labels}) ({vector})"


def operand(expression: str) -> str:
    """Return an expression as an operand: in parentheses, unless it is a name."""
    return expression if re.fullmatch(r"[\w:]+", expression) else f"({expression})"
