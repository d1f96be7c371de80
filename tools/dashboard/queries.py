"""PromQL over the series that the dashboard's variables select: the alert rules' expressions."""

from exporter.durations import render as duration
from exporter.metrics.catalogue import SECTIONS
from exporter.rules.expressions import (
    SERVED_WITH,
    completion_rate,
    remaining_at_closing,
    written_out,
)
from exporter.rules.sources import LOOKBACK, OF_AGENT, last_value, operand, over

VARIABLES = {"account": "account", "agent_id": "agent", "batch_id": "batch"}
"""The variable that selects by a label, by label."""

AGENT_LABELS = "account, agent_id"
BATCH_LABELS = f"{AGENT_LABELS}, batch_id"

MAX_LINES = 30
"""Lines in a chart of batches: the eye can't distinguish more."""

ID_LENGTH = 8
"""Characters of a batch id in a legend: the first characters of UUIDs already differ."""

PLACEHOLDER = 7777.0
"""Seconds that represent the variable `interval` while an expression is built.

Only the duration is replaced by the variable: the minimum that a completion rate must be observed
for is the same at each of its values.
"""

_LABELS = {family.name: family.labels for _, families in SECTIONS for family in families}


def selector(metric: str, /, *matchers: str) -> str:
    """Return the selector of a metric's series, with a matcher for each variable that applies.

    A variable applies if the metric has its label.
    """
    labels = _LABELS.get(metric.removesuffix("_bucket"), ())
    selected = [f'{label}=~"${name}"' for label, name in VARIABLES.items() if label in labels]
    every = ",".join([*matchers, 'job=~"$job"', *selected])
    return f"{metric}{{{every}}}"


def gauge(metric: str, *matchers: str, operator: str = "max", without: str = "") -> str:
    """Return the last value of a gauge's selected series."""
    return last_value(selector, metric, *matchers, operator=operator, without=without)


def _remaining() -> str:
    """Return a batch's remaining calls; absent if its agent is served without the batch.

    While a scrape fails, removed batches come back. The rules compare the times of scrapes instead:
    for each point of a chart, that costs too much.
    """
    metric = selector("ultravox_batch_calls_remaining")
    listed = (
        f"{metric}\n"
        f"  or last_over_time({metric}[{LOOKBACK}])\n"
        f"  unless {OF_AGENT} max without (reason) ({selector(SERVED_WITH)})"
    )
    return operand(over(f"\n  {listed}\n", "min"))


SELECTED = written_out(selector, _remaining())
"""The expressions of the alert rules, over the series that the variables select."""


def with_interval_variable(expression: str) -> str:
    """Return the expression with the variable `interval` instead of PLACEHOLDER."""
    return expression.replace(duration(PLACEHOLDER), "${interval}s")


COMPLETION_RATE = with_interval_variable(completion_rate(SELECTED, PLACEHOLDER))
"""Calls per second that active batches complete."""

REMAINING_AT_CLOSE = remaining_at_closing(SELECTED, COMPLETION_RATE)


def by_agent(vector: str, operator: str = "max") -> str:
    """Return the vector with one sample per agent, whichever replica served it."""
    return f"{operator} by ({AGENT_LABELS}) ({vector})"


def by_batch(vector: str) -> str:
    """Return the vector with one sample per batch, whichever replica served it."""
    return f"max by ({BATCH_LABELS}) ({vector})"


def not_stale(vector: str) -> str:
    """Return the batches of the vector whose agent's data are not stale."""
    return f"({vector}) and {OF_AGENT} {operand(SELECTED.not_stale)}"


def or_zero(vector: str, unless: str = "") -> str:
    """Return a sum; 0 where it is absent; nothing if all data are stale or without batch series.

    "No data" must not look like 0. `unless` is a further vector without labels: in its presence an
    absent sum is not 0 either.
    """
    hidden = gauge("ultravox_agent_batches_hidden", 'reason="per_batch_series"', without="reason")
    zero = f"0 * count({operand(SELECTED.not_stale)} unless {hidden} > 0)"
    return f"{vector}\nor {zero} unless {unless}" if unless else f"{vector}\nor {zero}"


def count_batches(vector: str) -> str:
    """Return the number of batches in the vector."""
    return or_zero(f"count({by_batch(vector)})")


def _newest_names(window: str, step: str) -> str:
    info = selector("ultravox_agent_info")
    last = f"max_over_time(timestamp({info})[{window}:{step}] @ end())"
    newest = f"topk by ({AGENT_LABELS}) (1, max by ({AGENT_LABELS}, agent) ({last}))"
    return f"group by ({AGENT_LABELS}, agent) ({newest})"


AGENT_NAMES = f"({_newest_names('5m', '15s')} or on ({AGENT_LABELS}) {_newest_names('1d', '5m')})"
"""One series per agent, with the newest of its names in the label `agent`; the value is 1."""


def with_agent_name(vector: str) -> str:
    """Return a vector of agents or batches with the agent's current name in the label `agent`."""
    return f"{vector} * on ({AGENT_LABELS}) group_left (agent) {AGENT_NAMES}"


def batch_lines(vector: str, limit: int = MAX_LINES) -> str:
    """Return one line per batch for the `limit` batches with the most remaining calls.

    The labels `agent` (name) and `batch` (the first characters of the id) are for the legend.
    """
    remaining = selector("ultravox_batch_calls_remaining")
    last_in_range = by_batch(f"last_over_time({remaining}[$__range] @ end())")
    lines = with_agent_name(f"({by_batch(vector)} and topk({limit}, {last_in_range}))")
    return f'label_replace({lines}, "batch", "$1", "batch_id", "(.{{1,{ID_LENGTH}}}).*")'
