"""Expressions about agents and batches, each a function of how series are read (`Sources`).

A batch's age and rate are measured between successful polls, not between scrapes: data that an
outage keeps unchanged do not look like a batch that makes no progress. Agents' names appear
nowhere, because they may change. Each condition of an expression has a line of its own.
"""

from dataclasses import replace

from exporter.durations import render as duration
from exporter.rules.sources import (
    LOOKBACK,
    OF_AGENT,
    Select,
    Sources,
    last_scraped,
    last_value,
    operand,
    over,
    value_ago,
)

STALE_ALERT_AGE = 300
"""Seconds: data younger than this raise no UltravoxDataStale, whatever the poll interval is."""

STALE_AGE = 660
"""Seconds: data younger than this are not stale, whatever the poll interval is.

A `Retry-After` may pause an account twice for five minutes, and an outage may last ten.
"""

MIN_OBSERVED = 600
"""Seconds between the two polls of a completion rate, at least."""

FIRST_SEEN_WITHIN = 660
"""Seconds after its opening within which a batch is first seen, at the latest."""

SERVED_WITH = "ultravox_agent_batches_hidden"
"""A series that every agent has whose batches are served."""

_INTERVAL = "ultravox_agent_poll_interval_seconds"
_LAST_SUCCESS = "ultravox_agent_last_success_timestamp_seconds"

# The gauges of a batch that several modules read.
COMPLETED = "ultravox_batch_calls_completed"
PAUSED = "ultravox_batch_paused"
REMAINING = "ultravox_batch_calls_remaining"
WINDOW_END = "ultravox_batch_window_end_timestamp_seconds"
ENDED = "ultravox_batch_ended_timestamp_seconds"


def written_out(read: Select, remaining: str) -> Sources:
    """Return sources that are the expressions themselves, over the series that `read` selects."""
    sources = Sources(
        select=read,
        last_success=last_value(read, _LAST_SUCCESS),
        calls=last_value(read, "ultravox_batch_calls"),
        completed=last_value(read, COMPLETED),
        remaining=remaining,
        paused=last_value(read, PAUSED),
        opening=_opening(read),
        window_end=last_value(read, WINDOW_END),
        ended=last_value(read, ENDED),
        closing="",
        not_stale="",
        active="",
    )
    sources = replace(sources, closing=closing(sources), not_stale=not_stale(sources))
    return replace(sources, active=active(sources))


def remaining_where_listed(read: Select) -> str:
    """Return a batch's remaining calls, unless a later scrape has its agent without the batch."""
    batch, agent = last_scraped(read(REMAINING)), last_scraped(read(SERVED_WITH))
    listed = (
        f"last_over_time({read(REMAINING)}[{LOOKBACK}])\n"
        f"  and {batch} >= {OF_AGENT} group_left () max without (reason) ({agent})"
    )
    return over(f"\n  {listed}\n", "min")


def _opening(read: Select) -> str:
    created = last_value(read, "ultravox_batch_created_timestamp_seconds")
    start = last_value(read, "ultravox_batch_window_start_timestamp_seconds")
    return f"{start} > {created}\nor {created}"


def age_limit(read: Select, minimum: float) -> str:
    """Return how old an agent's data may be, in seconds: 3 poll intervals, `minimum` at least.

    While the API is unreachable, the poll interval doubles up to five minutes. So after an outage
    of ten minutes, new data arrive before the data from before it are stale.
    """
    return f"clamp_min(3 * {last_value(read, _INTERVAL)}, {minimum:g})"


def not_stale(sources: Sources) -> str:
    """Return the time of the last successful poll of the agents whose data are not stale."""
    success = sources.last_success
    return f"{success}\nand time() - {success} < {age_limit(sources.select, STALE_AGE)}"


def stale(sources: Sources) -> str:
    """Return the age in seconds of the data of agents that are late; 0 without a success yet."""
    success = sources.last_success
    return (
        f"time() - {success} >= {age_limit(sources.select, STALE_ALERT_AGE)}\n"
        f"or 0 * {last_value(sources.select, _INTERVAL)}\n"
        f"unless {success}"
    )


def observed(sources: Sources, seconds: float, ago: float = 0.0) -> str:
    """Return for how many seconds polls covered an agent, of the `seconds` up to `ago`.

    That is the time between the last successful polls known then and `seconds` before.
    """
    before = value_ago(sources.select, _LAST_SUCCESS, seconds + ago)
    return f"{operand(_last_success(sources, ago))} - {before}"


def _last_success(sources: Sources, ago: float) -> str:
    return value_ago(sources.select, _LAST_SUCCESS, ago) if ago else sources.not_stale


def closing(sources: Sources) -> str:
    """Return when the last call can be made: the earlier of window end and the batch's end."""
    ended, window = sources.ended, sources.window_end
    return f"{ended} < {window}\nor {window}\nor {ended}"


def active(sources: Sources) -> str:
    """Return the batches that may call: seconds from their opening to the last successful poll.

    They have an open window, are neither paused nor ended, and their data are not stale. Batches
    without remaining calls are among them: the rules that read this ask for remaining calls.
    """
    polled, opening = operand(sources.not_stale), operand(sources.opening)
    return (
        f"{polled} - {OF_AGENT} group_right () {opening} >= 0\n"
        f"unless {sources.paused} == 1\n"
        f"unless {sources.ended}\n"
        f"unless {sources.window_end} <= time()"
    )


def paused_within(sources: Sources, seconds: float) -> str:
    """Return whether a batch was paused at any time in the last seconds: 0 or 1."""
    return over(f"max_over_time({sources.select(PAUSED)}[{duration(seconds)}])")


def closed_within(sources: Sources, seconds: float) -> str:
    """Return the remaining calls of batches that closed in the last seconds, as polled after it."""
    polled, closes = operand(sources.not_stale), operand(sources.closing)
    return (
        f"{sources.remaining} > 0\n"
        # The exporter's clock may be ahead of Prometheus' clock.
        f"and {closes} <= time()\n"
        f"and time() - {closes} < {seconds:g}\n"
        f"and ({polled} - {OF_AGENT} group_right () {closes}) > 0"
    )


def completion_rate(sources: Sources, seconds: float, ago: float = 0.0) -> str:
    """Return the calls that active batches completed per second, in the `seconds` up to `ago`.

    The time is that between two successful polls. For a batch that opened meanwhile it is the time
    since its opening, when no call was completed. Absent for batches that were paused meanwhile,
    for too short a time, and for agents that were not polled before.
    """
    read, opening = sources.select, operand(sources.opening)
    polled = operand(_last_success(sources, ago))
    completed = value_ago(read, COMPLETED, ago) if ago else sources.completed
    completed_before = value_ago(read, COMPLETED, seconds + ago)
    polled_before = value_ago(read, _LAST_SUCCESS, seconds + ago)
    least = f"{min(MIN_OBSERVED, 2 / 3 * seconds):g}"
    return (
        f"(\n"
        f"  ({completed} - {completed_before})\n"
        f"  / {OF_AGENT} group_left () ({observed(sources, seconds, ago)} >= {least})\n"
        f"  and {opening} <= {OF_AGENT} group_left () {polled_before}\n"
        f"  or {completed} / ({polled} - {OF_AGENT} group_right () {opening} >= {least})\n"
        f"  and {opening} + {FIRST_SEEN_WITHIN} > {OF_AGENT} group_left () {polled_before}\n"
        f")\n"
        f"and {operand(sources.active)}\n"
        f"unless {paused_within(sources, seconds + ago)} == 1"
    )


def remaining_at_closing(sources: Sources, rate: str) -> str:
    """Return the calls that active batches will not have made at their window's end, at a rate.

    `rate` is in calls per second.
    """
    ahead = f"({sources.window_end} - {OF_AGENT} group_left () {operand(sources.not_stale)})"
    return f"clamp_min({sources.remaining} - {operand(rate)} * {ahead}, 0)"
