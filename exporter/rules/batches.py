"""The alerts about batches."""

from exporter.durations import render as duration
from exporter.rules.alert import BATCH, COUNT, Alert, looked_up
from exporter.rules.expressions import closed_within, not_started, stalled
from exporter.rules.recorded import (
    AT_CLOSING,
    AT_CLOSING_BETTER,
    NO_PROGRESS,
    PAUSED,
    RATE,
    RECORDED,
)
from exporter.rules.sources import OF_AGENT, last_value, operand, select
from exporter.rules.thresholds import Thresholds

_MADE = 'status=~"success|error"'
_OF = "on (account, agent_id, batch_id)"


def _number(metric: str) -> str:
    return looked_up(metric, "batch", '{{ . | first | value | printf "%.0f" }}', "?")


_PROGRESS = f"{_number(RECORDED.completed)} of {_number(RECORDED.calls)} calls are completed"
_WINDOW = looked_up(
    RECORDED.window_end,
    "batch",
    " Its window ends {{ . | first | value | humanizeTimestamp }}.",
    " Its window has no end.",
)
_PACE = looked_up(f"60 * {RATE}", "batch", '{{ . | first | value | printf "%.1f" }}', "?")
_NO_RESUME = "Ultravox documents no way to resume a batch: schedule the calls that are left anew."


def batch_alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Return the alerts, those that wake somebody first among those of a name."""
    return (
        _stalled(thresholds),
        *_paused(thresholds),
        *_will_miss(thresholds),
        _not_started(thresholds),
        _closed(thresholds),
        _many_errors(thresholds),
    )


def _stalled(thresholds: Thresholds) -> Alert:
    after = thresholds.stalled_after
    name = "UltravoxBatchStalled"
    return Alert(
        name,
        "critical",
        # While the API can't be reached, less and less of the time is observed: an alert that had
        # reason to begin stays, and none begins.
        f"{stalled(RECORDED, NO_PROGRESS, after)}\n"
        f"or {NO_PROGRESS}\n"
        f'and {_OF} ALERTS{{alertname="{name}",alertstate="firing"}}',
        f"{BATCH} is stalled: {COUNT} calls left, none completed for {duration(after)}",
        f"Its window is open and it is not paused, but no call was completed for"
        f" {duration(after)}; {_PROGRESS}.{_WINDOW}",
    )


def _paused(thresholds: Thresholds) -> tuple[Alert, Alert]:
    after = thresholds.paused_after
    soon = f"{PAUSED}\nand {RECORDED.window_end} - time() < {thresholds.critical_within:g}"
    summary = f"{BATCH} is paused with {COUNT} calls left"
    description = (
        f"It has been paused for {duration(after)} or longer; {_PROGRESS}.{_WINDOW} {_NO_RESUME}"
    )
    closing = f"{summary}, and its window closes within {duration(thresholds.critical_within)}"
    name = "UltravoxBatchPaused"
    return (
        Alert(name, "critical", soon, closing, description),
        Alert(name, "warning", PAUSED, summary, description),
    )


def _will_miss(thresholds: Thresholds) -> tuple[Alert, Alert]:
    within = thresholds.critical_within
    share = f"{AT_CLOSING} / {RECORDED.calls}"
    name = "UltravoxBatchWillMissWindow"
    fires = f'{_OF} ALERTS{{alertname="{name}",alertstate="firing"}}'
    summary, description = _forecast_texts(thresholds.rate_over)
    return (
        Alert(
            name,
            "warning",
            # It begins when no half of the time gives hope, and then stays as long as the pace is
            # too low: calls come in crowds, and one slow stretch is no trend.
            f"{share}\n"
            f"and {AT_CLOSING_BETTER} / {RECORDED.calls} > {thresholds.miss_share:g}\n"
            f"or {share} > {thresholds.miss_share:g}\n"
            f"and {fires}",
            summary,
            description,
            held=SETTLED,
        ),
        Alert(
            name,
            "critical",
            # After the other: so both begin at once, and that one is hidden before it is told.
            f"{share} > {thresholds.miss_share_critical:g}\n"
            f"and {RECORDED.window_end} - time() < {within:g}\n"
            f"and {fires}",
            summary,
            description,
        ),
    )


def _forecast_texts(pace: float) -> tuple[str, str]:
    """Return the summary and the description of a forecast from a pace over so many seconds."""
    summary = (
        f"{BATCH} will miss its window: at its pace, {{{{ $value | humanizePercentage }}}} of its"
        " calls will be left"
    )
    description = (
        f"{_PROGRESS}, and {_PACE} a minute were completed over the last {duration(pace)}, or since"
        f" it began.{_WINDOW} Then about {_number(AT_CLOSING)} calls will not have been made."
    )
    return summary, description


SETTLED = 900.0
"""Seconds that a forecast must hold."""


def _not_started(thresholds: Thresholds) -> Alert:
    after = thresholds.not_started_after
    return Alert(
        "UltravoxBatchNotStarted",
        "critical",
        not_started(RECORDED, after),
        f"{BATCH} has not started: {COUNT} calls, none made",
        f"It could have made calls for {duration(after)} or longer, is not paused, and has not"
        f" made one.{_WINDOW}",
    )


def _closed(thresholds: Thresholds) -> Alert:
    lasts = thresholds.closed_for
    closed = looked_up(
        RECORDED.closing, "batch", "{{ . | first | value | humanizeTimestamp }}", "?"
    )
    return Alert(
        "UltravoxBatchClosedWithCallsLeft",
        "warning",
        closed_within(RECORDED, lasts),
        f"{BATCH} is over, and {COUNT} of its calls were not made",
        f"{_PROGRESS}; the others will not be made. It closed {closed}. This alert resolves by"
        f" itself, {duration(lasts)} after the close at the latest.",
    )


def _many_errors(thresholds: Thresholds) -> Alert:
    calls = "ultravox_batch_scheduled_calls"
    errors = last_value(select, calls, 'status="error"', without="status")
    made = f"sum without (status) ({last_value(select, calls, _MADE)})"
    return Alert(
        "UltravoxBatchManyErrors",
        "warning",
        f"{errors} / {made} > {thresholds.error_share:g}\n"
        f"and {made} >= {thresholds.error_calls}\n"
        f"and {OF_AGENT} {RECORDED.not_stale}\n"
        f"and {RECORDED.remaining}\n"
        f"unless time() - {operand(RECORDED.closing)} >= {thresholds.closed_for:g}",
        f"{BATCH}: {{{{ $value | humanizePercentage }}}} of the calls made are errors",
        f"{_PROGRESS}, errors among them: calls that could not be placed, or whose webhook"
        f" failed.{_WINDOW}",
    )
