"""The metrics of a batch.

An ended batch has only the series that the alert rules, their runbooks and the dashboard read: its
number of series counts for `keep_ended`, although nothing changes any more.
"""

from collections.abc import Iterable
from functools import lru_cache

from exporter.metrics.metric import (
    BATCH,
    AnyMetric,
    LabelledMetric,
    Metric,
    Sample,
    labels,
    samples_by,
)
from exporter.model import CALL_STATUSES, Batch, BatchState

_MADE = {"success", "error"}
"""The statuses of calls that were made: exposed together or not at all."""

_STATES = {
    current: tuple(
        samples_by(
            "state",
            (
                (state, int(state is current))
                for state in BatchState
                if state is current or current is not BatchState.ENDED
            ),
        )
    )
    for current in BatchState
}


def _batch_states(batch: Batch, now: float) -> Iterable[Sample]:
    return _STATES[batch.state(now)]


def _scheduled_calls(batch: Batch, _now: float) -> Iterable[Sample]:
    if batch.call_status is None:
        return ()
    pairs = zip(CALL_STATUSES, batch.call_status.calls, strict=False)
    known = {status: calls for status, calls in pairs if calls is not None}
    # The share of errors is error / (success + error): with one of them it would be 0 or 1.
    if not known.keys() >= _MADE:
        known = {status: calls for status, calls in known.items() if status not in _MADE}
    return samples_by("status", known.items())


@lru_cache(maxsize=1024)
def _info(throttle: str, *, webhook: bool) -> tuple[Sample, ...]:
    pairs = (("throttle", throttle), ("webhook", "true" if webhook else "false"))
    return ((labels(pairs), 1),)


BATCH_METRICS: tuple[AnyMetric[Batch], ...] = (
    Metric(
        "ultravox_batch_calls",
        "Total number of calls in the batch",
        BATCH,
        lambda batch, _: batch.total,
        api=("totalCount",),
    ),
    Metric(
        "ultravox_batch_calls_completed",
        "Number of completed calls in the batch: created or failed, answered or not",
        BATCH,
        lambda batch, _: batch.completed,
        api=("completedCount",),
    ),
    Metric(
        "ultravox_batch_calls_remaining",
        "Number of calls in the batch that are not completed: total minus completed, at least 0",
        BATCH,
        lambda batch, _: batch.remaining,
        api=("totalCount", "completedCount"),
    ),
    Metric(
        "ultravox_batch_paused",
        "Whether the batch is paused, 1 or 0; absent once the batch has ended",
        BATCH,
        lambda batch, _: batch.paused if batch.live else None,
        api=("paused",),
    ),
    LabelledMetric(
        "ultravox_batch_state",
        "Whether the batch is in this state at the time of the scrape, 1 or 0; once the batch has"
        " ended, the other states are absent",
        (*BATCH, "state"),
        _batch_states,
        api=("endedAt", "paused", "windowEnd", "windowStart", "completedCount", "totalCount"),
    ),
    Metric(
        "ultravox_batch_created_timestamp_seconds",
        "Time at which the batch was created, in seconds since the epoch",
        BATCH,
        lambda batch, _: batch.created,
        api=("created",),
    ),
    Metric(
        "ultravox_batch_window_start_timestamp_seconds",
        "Time from which calls can be made, in seconds since the epoch; absent when calls can be"
        " made from the creation on",
        BATCH,
        lambda batch, _: batch.window_start,
        api=("windowStart",),
    ),
    Metric(
        "ultravox_batch_window_end_timestamp_seconds",
        "Time until which calls can be made, in seconds since the epoch; absent when the window"
        " has no end",
        BATCH,
        lambda batch, _: batch.window_end,
        api=("windowEnd",),
    ),
    Metric(
        "ultravox_batch_window_remaining_seconds",
        "Seconds after the scrape in which calls can still be made; absent when the window has no"
        " end, and once the batch has ended",
        BATCH,
        lambda batch, now: batch.window_remaining(now),
        zero_at=lambda batch, now: batch.window_end if batch.window_counts_down(now) else None,
        api=("windowStart", "windowEnd"),
    ),
    Metric(
        "ultravox_batch_ended_timestamp_seconds",
        "Time at which the batch ended, in seconds since the epoch; absent until then",
        BATCH,
        lambda batch, _: batch.ended,
        api=("endedAt",),
    ),
    Metric(
        "ultravox_batch_last_progress_timestamp_seconds",
        "Time at which this process last saw the number of completed calls rise, in seconds since"
        " the epoch; absent until then, and once the batch has ended",
        BATCH,
        lambda batch, _: batch.last_progress if batch.live else None,
        api=("completedCount",),
    ),
    LabelledMetric(
        "ultravox_batch_info",
        "Always 1; throttle is the call throttle, empty without one, and webhook is true if the"
        " batch has a webhook, else false",
        (*BATCH, "throttle", "webhook"),
        lambda batch, _: _info(batch.throttle, webhook=batch.webhook),
        api=("throttle", "webhookUrl"),
    ),
    LabelledMetric(
        "ultravox_batch_scheduled_calls",
        "Number of calls in the batch by status, as of the last requests for them; a status is"
        " absent while its number is not known, all are unless batches.outcomes is on",
        (*BATCH, "status"),
        _scheduled_calls,
        api=("total of scheduled_calls", "totalCount", "completedCount"),
    ),
)
