"""The alerts about batches."""

from exporter.durations import render as duration
from exporter.rules.alert import ACCOUNT, BATCH, COUNT, SHARE, Alert, Subject, queried
from exporter.rules.expressions import closed_within
from exporter.rules.recorded import (
    AT_CLOSING,
    AT_CLOSING_BETTER,
    NO_PROGRESS,
    PAUSED,
    RATE,
    RECORDED,
)
from exporter.rules.sources import OF_AGENT, last_value, operand, select
from exporter.rules.standstills import not_started, stalled
from exporter.rules.thresholds import Thresholds

EXPIRES_WITHIN = 7 * 86400.0
"""Seconds before the end of a subscription from which on its alert fires."""

FORECAST_PENDING = 900.0
"""Seconds for which a forecast must be bad before its alert fires."""

_MADE = 'status=~"success|error"'
_SAME_BATCH = "ignoring (alertname, alertstate, severity)"
"""Vector matching between a batch's series and an alert about it, whatever labels targets have."""


def _number(metric: str) -> str:
    return queried(metric, "batch", '{{ . | first | value | printf "%.0f" }}', "?")


def _time(metric: str, subject: Subject = "batch") -> str:
    return queried(metric, subject, "{{ . | first | value | humanizeTimestamp }}", "?")


_PROGRESS = f"{_number(RECORDED.completed)} of {_number(RECORDED.calls)} calls are completed"
_WINDOW = queried(
    RECORDED.window_end,
    "batch",
    " The window ends at {{ . | first | value | humanizeTimestamp }}.",
    " The window has no end.",
)
_RATE = queried(f"60 * {RATE}", "batch", '{{ . | first | value | printf "%.1f" }}', "?")


def batch_alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Return the alerts about what a batch does or has done."""
    return (
        _stalled(thresholds),
        *_paused(thresholds),
        _not_started(thresholds),
        _closed(thresholds),
        _many_errors(thresholds),
    )


def forecast_alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Return the alerts about what will happen to batches."""
    return (*_will_miss(thresholds), _subscription_ends())


def _firing(name: str) -> str:
    """Return the condition that the alert of this name is firing for the same batch."""
    return f'and {_SAME_BATCH} ALERTS{{alertname="{name}",alertstate="firing"}}'


def _stalled(thresholds: Thresholds) -> Alert:
    name, after = "UltravoxBatchStalled", thresholds.stalled_after
    return Alert(
        name,
        "critical",
        # While the API is unreachable, polls observe less and less of the time. An alert that is
        # firing then goes on; a new one does not start.
        f"{stalled(RECORDED, NO_PROGRESS, after)}\nor {NO_PROGRESS}\n{_firing(name)}",
        f"{BATCH} is stalled: {COUNT} calls remaining, none completed for {duration(after)}",
        f"The window of the batch is open and the batch is not paused, but no call was completed"
        f" for {duration(after)}. {_PROGRESS}.{_WINDOW} First check whether the account is at its"
        " concurrency limit. If it is not, ask Ultravox about this batch.",
    )


def _paused(thresholds: Thresholds) -> tuple[Alert, Alert]:
    name, after = "UltravoxBatchPaused", thresholds.paused_after
    within = thresholds.critical_within
    summary = f"{BATCH} is paused with {COUNT} calls remaining"
    description = (
        f"The batch has been paused for {duration(after)} or longer. {_PROGRESS}.{_WINDOW} First"
        " ask the owner of the campaign whether the pause is intended. If it is not, schedule the"
        " remaining calls in a new batch: Ultravox documents no way to resume a paused batch."
    )
    return (
        Alert(
            name,
            "critical",
            f"{PAUSED}\nand {RECORDED.window_end} - time() < {within:g}",
            f"{summary}, and its window closes within {duration(within)}",
            description,
        ),
        Alert(name, "warning", PAUSED, summary, description),
    )


def _will_miss(thresholds: Thresholds) -> tuple[Alert, Alert]:
    name, within = "UltravoxBatchWillMissWindow", thresholds.critical_within
    share = f"{AT_CLOSING} / {RECORDED.calls}"
    summary, description = _forecast_texts(thresholds.rate_over)
    return (
        Alert(
            name,
            "warning",
            # The alert starts when both halves of the time are too slow, and then goes on while
            # the whole time is. Calls come in bursts: one slow stretch is no trend.
            f"{share}\n"
            f"and {AT_CLOSING_BETTER} / {RECORDED.calls} > {thresholds.miss_share:g}\n"
            f"or {share} > {thresholds.miss_share:g}\n"
            f"{_firing(name)}",
            summary,
            description,
            pending=FORECAST_PENDING,
        ),
        Alert(
            name,
            "critical",
            # Evaluated after the warning: both start together, so Alertmanager can inhibit the
            # warning before it sends it.
            f"{share} > {thresholds.miss_share_critical:g}\n"
            f"and {RECORDED.window_end} - time() < {within:g}\n"
            f"{_firing(name)}",
            summary,
            description,
        ),
    )


def _forecast_texts(seconds: float) -> tuple[str, str]:
    """Return the summary and the description of a forecast from the rate over some seconds."""
    summary = (
        f"{BATCH} will miss its window: {SHARE} of its calls will remain at the current"
        " completion rate"
    )
    description = (
        f"{_PROGRESS}. The completion rate is {_RATE} calls per minute, measured over the last"
        f" {duration(seconds)} or since the batch opened.{_WINDOW} About {_number(AT_CLOSING)}"
        " calls will not be made. First check the account's concurrency limit and the batch's"
        " throttle."
    )
    return summary, description


def _subscription_ends() -> Alert:
    metric = "ultravox_account_subscription_expiration_timestamp_seconds"
    ends = _time(metric, "account")
    expires = f"{last_value(select, metric)} - time() < {EXPIRES_WITHIN:g}"
    return Alert(
        "UltravoxSubscriptionEnds",
        "warning",
        f"count without (agent_id, batch_id) (\n"
        f"  {RECORDED.window_end} > time()\n"
        f"  and {RECORDED.window_end} - time() > ignoring (agent_id, batch_id) group_left ()"
        f" ({expires})\n"
        f"  and {RECORDED.remaining} > 0\n"
        f"  unless {RECORDED.ended}\n"
        f")",
        f"The subscription of {ACCOUNT} ends before the windows of {COUNT} live batches",
        f"Ultravox ends the account's access at {ends}, unless credit remains. Calls that the"
        " batches have left then may not be made. Renew the subscription, or check the account's"
        " credit at Ultravox.",
    )


def _not_started(thresholds: Thresholds) -> Alert:
    after = thresholds.not_started_after
    return Alert(
        "UltravoxBatchNotStarted",
        "critical",
        not_started(RECORDED, after),
        f"{BATCH} has not started: {COUNT} calls remaining, none completed",
        f"Calls have been possible for {duration(after)} or longer and the batch is not paused, but"
        f" no call was completed.{_WINDOW} First check that the window is the intended one, then"
        " whether the account is at its concurrency limit.",
    )


def _closed(thresholds: Thresholds) -> Alert:
    lasts = thresholds.closed_for
    return Alert(
        "UltravoxBatchClosedWithCallsLeft",
        "warning",
        closed_within(RECORDED, lasts),
        f"{BATCH} is closed, and {COUNT} of its calls were not made",
        f"The batch closed at {_time(RECORDED.closing)}. {_PROGRESS}. Ultravox will not make the"
        " remaining calls: if they are still needed, schedule them in a new batch. This alert"
        f" resolves by itself, {duration(lasts)} after the close at the latest.",
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
        f"{BATCH}: {SHARE} of the calls made are errors",
        f"{_PROGRESS}, errors included. An error is a call that could not be placed, or whose"
        f" webhook failed.{_WINDOW} First read the errors in Ultravox: the scheduled calls of the"
        " batch with the status ERROR.",
    )
