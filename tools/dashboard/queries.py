"""Expressions over what the dashboard's variables choose: those of the alert rules, and names."""

from exporter.durations import render as duration
from exporter.metrics.catalogue import SECTIONS
from exporter.rules.expressions import (
    SERVED_WITH,
    completion_rate,
    remaining_at_closing,
    written_out,
)
from exporter.rules.sources import LOOKBACK, OF_AGENT, last_value, operand, over
from exporter.rules.thresholds import Thresholds

VARIABLES = {"account": "account", "agent_id": "agent", "batch_id": "batch"}
"""The variables that choose by a label."""

AGENT = "account, agent_id"
BATCH = f"{AGENT}, batch_id"

SHOWN = 30
"""Lines in a chart, at most: more can't be told apart."""

SHORT = 8
"""Characters of a batch's id in legends: the first ones tell UUIDs apart."""

STAND_IN = 7777.0
"""Seconds that stand for the variable `interval` while an expression is made.

Only the duration stands in it: what a pace must be made of at least is the same for each choice.
"""

_LABELS = {family.name: family.labels for _, families in SECTIONS for family in families}


THRESHOLDS = Thresholds()
"""The thresholds of the alert rules as they are shipped."""


def series(metric: str, /, *matchers: str) -> str:
    """Return the selector of the series that the variables choose, by the labels that they have."""
    labels = _LABELS.get(metric.removesuffix("_bucket"), ())
    chosen = [f'{label}=~"${name}"' for label, name in VARIABLES.items() if label in labels]
    every = ",".join([*matchers, 'job=~"$job"', *chosen])
    return f"{metric}{{{every}}}"


def last(metric: str, *matchers: str, operator: str = "max", without: str = "") -> str:
    """Return a gauge's last value."""
    return last_value(series, metric, *matchers, operator=operator, without=without)


def _remaining() -> str:
    """Return a batch's remaining calls, or nothing if its agent is served without the batch.

    While a scrape fails, batches that are deleted come back. The rules compare times of scrapes
    instead, which costs too much for each point of a chart.
    """
    metric = series("ultravox_batch_calls_remaining")
    listed = (
        f"{metric}\n"
        f"  or last_over_time({metric}[{LOOKBACK}])\n"
        f"  unless {OF_AGENT} max without (reason) ({series(SERVED_WITH)})"
    )
    return operand(over(f"\n  {listed}\n", "min"))


SELECTED = written_out(series, _remaining())
"""The expressions of the alert rules, over the series that the variables choose."""


def over_interval(expression: str) -> str:
    """Return an expression over STAND_IN seconds as one over the variable `interval`."""
    return expression.replace(duration(STAND_IN), "${interval}s")


PACE = over_interval(completion_rate(SELECTED, STAND_IN))
LEFT_AT_CLOSE = remaining_at_closing(SELECTED, PACE)


def by_agent(vector: str, operator: str = "max") -> str:
    """Return one sample an agent, whoever served it."""
    return f"{operator} by ({AGENT}) ({vector})"


def by_batch(vector: str) -> str:
    """Return one sample a batch, whoever served it."""
    return f"max by ({BATCH}) ({vector})"


def known(vector: str) -> str:
    """Return those of the batches whose agent's data are fresh."""
    return f"({vector}) and {OF_AGENT} {operand(SELECTED.not_stale)}"


def or_zero(vector: str, blind: str = "") -> str:
    """Return a sum, else 0 if the data are fresh, else nothing: who is blind does not say 0.

    Without series of their own, nothing is known of batches. `blind` is a further vector without
    labels in whose presence nothing is said.
    """
    hidden = last("ultravox_agent_batches_hidden", 'reason="per_batch_series"', without="reason")
    seen = f"0 * count({operand(SELECTED.not_stale)} unless {hidden} > 0)"
    return f"{vector}\nor {seen} unless {blind}" if blind else f"{vector}\nor {seen}"


def count(vector: str) -> str:
    """Return the number of batches."""
    return or_zero(f"count({by_batch(vector)})")


def _newest(window: str, step: str) -> str:
    info = series("ultravox_agent_info")
    last = f"max_over_time(timestamp({info})[{window}:{step}] @ end())"
    newest = f"topk by ({AGENT}) (1, max by ({AGENT}, agent) ({last}))"
    return f"group by ({AGENT}, agent) ({newest})"


NAMES = f"({_newest('5m', '15s')} or on ({AGENT}) {_newest('1d', '5m')})"
"""One name an agent, 1 each: the newest, whoever serves it and whatever it was before."""


def named(vector: str) -> str:
    """Return a vector of agents or batches with the label `agent`, the name as it is now."""
    return f"{vector} * on ({AGENT}) group_left (agent) {NAMES}"


def line(vector: str, most: int = SHOWN) -> str:
    """Return one line a batch with `agent` and `batch`, for those with the most calls left."""
    left = series("ultravox_batch_calls_remaining")
    shown = f"topk({most}, {by_batch(f'last_over_time({left}[$__range] @ end())')})"
    lines = named(f"({by_batch(vector)} and {shown})")
    return f'label_replace({lines}, "batch", "$1", "batch_id", "(.{{1,{SHORT}}}).*")'
