"""The metrics of a batch."""

from collections.abc import Iterable
from functools import lru_cache

from exporter.metrics.metric import BATCH, AnyMetric, LabelledMetric, Metric, Sample, by, labels
from exporter.model import CALL_STATUSES, Batch, BatchState

_STATES = {
    current: tuple(by("state", ((state, int(state is current)) for state in BatchState)))
    for current in BatchState
}


def _batch_states(batch: Batch, now: float) -> Iterable[Sample]:
    return _STATES[batch.state(now)]


def _scheduled_calls(batch: Batch, _now: float) -> Iterable[Sample]:
    if batch.call_status is None:
        return ()
    return by("status", zip(CALL_STATUSES, batch.call_status.calls, strict=False))


@lru_cache(maxsize=1024)
def _info(throttle: str, *, webhook: bool) -> tuple[Sample, ...]:
    pairs = (("throttle", throttle), ("webhook", "true" if webhook else "false"))
    return ((labels(pairs), 1),)


BATCH_METRICS: tuple[AnyMetric[Batch], ...] = (
    Metric(
        "ultravox_batch_calls",
        "Calls in the batch.",
        BATCH,
        lambda batch, _: batch.total,
    ),
    Metric(
        "ultravox_batch_calls_completed",
        "Calls of the batch that were created or failed: dialled, not necessarily answered.",
        BATCH,
        lambda batch, _: batch.completed,
    ),
    Metric(
        "ultravox_batch_calls_remaining",
        "Calls of the batch that are not completed.",
        BATCH,
        lambda batch, _: batch.remaining,
    ),
    Metric(
        "ultravox_batch_paused",
        "Whether the batch is paused (1) or not (0). Ultravox documents no way to resume.",
        BATCH,
        lambda batch, _: batch.paused,
    ),
    LabelledMetric(
        "ultravox_batch_state",
        "1 for the state that the batch is in at the time of the scrape, 0 for the others.",
        (*BATCH, "state"),
        _batch_states,
    ),
    Metric(
        "ultravox_batch_created_timestamp_seconds",
        "When the batch was created.",
        BATCH,
        lambda batch, _: batch.created,
    ),
    Metric(
        "ultravox_batch_window_start_timestamp_seconds",
        "From when calls can be made; absent when the batch starts at once.",
        BATCH,
        lambda batch, _: batch.window_start,
    ),
    Metric(
        "ultravox_batch_window_end_timestamp_seconds",
        "Until when calls can be made; absent when the batch runs until it is done.",
        BATCH,
        lambda batch, _: batch.window_end,
    ),
    Metric(
        "ultravox_batch_window_remaining_seconds",
        "Seconds after the scrape in which calls can still be made; absent without an end of"
        " the window, and once the batch has ended.",
        BATCH,
        lambda batch, now: batch.window_remaining(now),
        zero_at=lambda batch, now: batch.window_end if batch.open(now) else None,
    ),
    Metric(
        "ultravox_batch_ended_timestamp_seconds",
        "When the batch ended; absent until it has.",
        BATCH,
        lambda batch, _: batch.ended,
    ),
    Metric(
        "ultravox_batch_last_progress_timestamp_seconds",
        "When this process last saw the completed calls rise; absent until it has.",
        BATCH,
        lambda batch, _: batch.last_progress,
    ),
    LabelledMetric(
        "ultravox_batch_info",
        "Always 1. The call throttle, empty when none, and whether there is a webhook.",
        (*BATCH, "throttle", "webhook"),
        lambda batch, _: _info(batch.throttle, webhook=batch.webhook),
    ),
    LabelledMetric(
        "ultravox_batch_scheduled_calls",
        "Calls of the batch by status, as they were when last asked for; with `outcomes` on.",
        (*BATCH, "status"),
        _scheduled_calls,
    ),
)
