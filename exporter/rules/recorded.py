"""The recording rules: expressions that several rules read are evaluated once, under a name."""

from typing import TypeAlias

from exporter.rules import causes
from exporter.rules.expressions import (
    active,
    closing,
    completion_rate,
    not_stale,
    remaining_at_closing,
    remaining_where_listed,
    stale,
    written_out,
)
from exporter.rules.served import KNOWN, SERVED, known, served
from exporter.rules.sources import Sources, select
from exporter.rules.standstills import no_progress, paused_for
from exporter.rules.thresholds import Thresholds

RAW = written_out(select, remaining_where_listed(select))
"""Expressions over the exporter's own series."""

RECORDED = Sources(
    select=select,
    last_success="agent:ultravox_last_success_timestamp_seconds:max",
    calls="batch:ultravox_calls:max",
    completed="batch:ultravox_calls_completed:max",
    remaining="batch:ultravox_calls_remaining:min",
    paused="batch:ultravox_paused:max",
    opening="batch:ultravox_opening_timestamp_seconds:max",
    window_end="batch:ultravox_window_end_timestamp_seconds:max",
    ended="batch:ultravox_ended_timestamp_seconds:max",
    closing="batch:ultravox_closing_timestamp_seconds:min",
    not_stale="agent:ultravox_data_timestamp_seconds:not_stale",
    active="batch:ultravox_since_opening_seconds:active",
)
"""The same expressions by the names under which they are recorded."""

STALE = "agent:ultravox_data_age_seconds:stale"
NO_PROGRESS = "batch:ultravox_calls_remaining:no_progress"
PAUSED = "batch:ultravox_calls_remaining:paused"
RATE = "batch:ultravox_calls_completed:completion_rate"
LATER_RATE = "batch:ultravox_calls_completed:completion_rate_later_half"
EARLIER_RATE = "batch:ultravox_calls_completed:completion_rate_earlier_half"
BETTER_RATE = "batch:ultravox_calls_completed:completion_rate_better_half"
AT_CLOSING = "batch:ultravox_calls_remaining_at_closing:predicted"
AT_CLOSING_BETTER = "batch:ultravox_calls_remaining_at_closing:predicted_better_half"


Recordings: TypeAlias = tuple[tuple[str, str], ...]
"""Each name and its expression; an expression reads only names before its own."""


def of_batches(thresholds: Thresholds) -> Recordings:
    """Return the recordings for the alerts about what a batch does or has done."""
    return (
        (RECORDED.last_success, RAW.last_success),
        (RECORDED.not_stale, not_stale(RECORDED)),
        (RECORDED.calls, RAW.calls),
        (RECORDED.completed, RAW.completed),
        (RECORDED.remaining, RAW.remaining),
        (RECORDED.paused, RAW.paused),
        (RECORDED.opening, RAW.opening),
        (RECORDED.window_end, RAW.window_end),
        (RECORDED.ended, RAW.ended),
        (RECORDED.closing, closing(RECORDED)),
        (RECORDED.active, active(RECORDED)),
        (NO_PROGRESS, no_progress(RECORDED, thresholds.stalled_after)),
        (PAUSED, paused_for(RECORDED, thresholds.paused_after)),
    )


def of_forecasts(thresholds: Thresholds) -> Recordings:
    """Return the recordings for the forecasts; they read those of the batches."""
    window, half = thresholds.rate_over, thresholds.rate_over / 2
    return (
        (RATE, completion_rate(RECORDED, window)),
        (LATER_RATE, completion_rate(RECORDED, half)),
        (EARLIER_RATE, completion_rate(RECORDED, half, half)),
        (BETTER_RATE, _better_rate()),
        (AT_CLOSING, remaining_at_closing(RECORDED, RATE)),
        (AT_CLOSING_BETTER, remaining_at_closing(RECORDED, BETTER_RATE)),
    )


def of_service() -> Recordings:
    """Return the recordings for the alerts about accounts and the API."""
    return ((STALE, stale(RAW)), *causes.recordings())


def of_exporters() -> Recordings:
    """Return the recordings for the alerts about exporters."""
    return ((SERVED, served()), (KNOWN, known()))


def _better_rate() -> str:
    """Return the higher of a batch's completion rates over the two halves of the time.

    Calls do not come evenly. A batch that is slow in one half only may have had bad luck; a batch
    that is slow in both is slow.
    """
    return (
        f"max without (half) (\n"
        f"  {LATER_RATE}\n"
        f'  or label_replace({EARLIER_RATE}, "half", "earlier", "", "")\n'
        f")"
    )
