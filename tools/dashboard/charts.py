"""The charts of batches, of accounts, and of calls by status."""

from grafana_foundation_sdk.builders import common, timeseries
from grafana_foundation_sdk.models.common import StackingMode

from exporter.rules.sources import operand
from tools.dashboard.batches import BATCH_LEGEND, PROGRESS, RATE_NEEDED, REMAINING
from tools.dashboard.panels import (
    CALLS,
    PER_MINUTE,
    chart,
    chart_with_limit,
    chart_with_reference,
    with_threshold_lines,
)
from tools.dashboard.queries import (
    BATCH_LABELS,
    COMPLETION_RATE,
    REMAINING_AT_CLOSE,
    SELECTED,
    batch_lines,
    by_batch,
    gauge,
)
from tools.dashboard.thresholds import THRESHOLDS, percent

_LIMIT = 10
"""Batches in a chart with two lines per batch."""

_SHARE_OF_WINDOW_AHEAD = (
    f"({SELECTED.window_end} - time()) / ({SELECTED.window_end} - {operand(SELECTED.opening)} > 0)"
)
REMAINING_IF_EVEN = f"{SELECTED.calls} * clamp({_SHARE_OF_WINDOW_AHEAD}, 0, 1)"
"""Calls that would remain if the calls were spread evenly over the window."""

RATE_AS_SHARE_OF_NEEDED = f"60 * {by_batch(COMPLETION_RATE)} / {RATE_NEEDED}"


def batch_charts() -> list[timeseries.Panel]:
    """Return the charts of batches: what is done, then whether it is enough for the window."""
    return [_progress(), _completion_rate(), _rate_and_need(), _even_progress(), _at_close()]


def _progress() -> timeseries.Panel:
    return chart(
        "Progress",
        "Completed calls of each batch, as a share of all its calls. A line that is flat below"
        " 100 %: the batch makes no progress; look at its state above.",
        "percentunit",
        (batch_lines(PROGRESS), BATCH_LEGEND),
    ).max(1)


def _completion_rate() -> timeseries.Panel:
    return chart(
        "Completion rate",
        "Calls that each active batch completes per minute, measured over the time chosen at the"
        " top. If all lines decrease together, look at Concurrency, then at Exporter and API.",
        PER_MINUTE,
        (batch_lines(f"60 * {operand(COMPLETION_RATE)}"), BATCH_LEGEND),
    )


def _rate_and_need() -> timeseries.Panel:
    panel = chart(
        "Completion rate vs. rate needed",
        "The completion rate as a share of the rate that each batch needs to complete its calls"
        " before its window ends. Below the dashed line (100 %), calls will remain: give the batch"
        " more concurrency, or schedule the remaining calls in a new batch. A batch whose window"
        " has no end has no line.",
        "percentunit",
        (batch_lines(RATE_AS_SHARE_OF_NEEDED), BATCH_LEGEND),
    )
    return with_threshold_lines(panel, ((None, "red"), (1, "green")))


def _even_progress() -> timeseries.Panel:
    return chart_with_reference(
        "Remaining calls vs. even progress",
        "Remaining calls of each batch; dashed: the calls that would remain if they were spread"
        " evenly over the window. A solid line above its dashed line: the batch is late; look at"
        f" Remaining calls at close. Shown are the {_LIMIT} batches with the most remaining"
        " calls.",
        CALLS,
        (batch_lines(REMAINING, _LIMIT), BATCH_LEGEND),
        (batch_lines(REMAINING_IF_EVEN, _LIMIT), f"even: {BATCH_LEGEND}"),
    )


def _at_close() -> timeseries.Panel:
    return chart(
        "Remaining calls at close",
        "Calls of each active batch that will remain when its window ends, if its completion rate"
        " does not change. 0: the batch will be complete. More: give the batch more concurrency,"
        " or schedule these calls in a new batch.",
        CALLS,
        (batch_lines(REMAINING_AT_CLOSE), BATCH_LEGEND),
    )


def concurrency_chart() -> timeseries.Panel:
    """Return the chart of the active calls of each account, and of their limit."""
    return chart_with_limit(
        "Concurrency",
        "Active calls of each account; dashed: its concurrency limit. Where the lines meet, batches"
        " wait for each other: schedule fewer batches at the same time, or ask Ultravox for a"
        " higher limit.",
        CALLS,
        gauge("ultravox_account_active_calls"),
        gauge("ultravox_account_allowed_concurrent_calls"),
    )


_SCHEDULED_CALLS = "ultravox_batch_scheduled_calls"
_NO_CALL_STATUS = "batches.outcomes is off"


def call_status_charts() -> list[timeseries.Panel]:
    """Return the charts of calls by status; they are empty unless `batches.outcomes` is on."""
    return [_calls_by_status(), _share_of_errors()]


def _calls_by_status() -> timeseries.Panel:
    by_status = f"max by ({BATCH_LABELS}, status) ({gauge(_SCHEDULED_CALLS)})"
    panel = chart(
        "Calls by status",
        "Calls of the selected batches by status. Many errors: check the phone numbers and the"
        " phone provider. While a batch makes calls, the statuses of its remaining calls can be"
        " missing. Needs batches.outcomes in the exporter's configuration.",
        CALLS,
        (f"sum by (status) ({by_status})", "{{status}}"),
    )
    stacked = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    return stacked.fill_opacity(40).no_value(_NO_CALL_STATUS)


def _share_of_errors() -> timeseries.Panel:
    errors = by_batch(gauge(_SCHEDULED_CALLS, 'status="error"', without="status"))
    made = gauge(_SCHEDULED_CALLS, 'status=~"success|error"')
    share = f"{errors} / (sum by ({BATCH_LABELS}) ({made}) > 0)"
    panel = chart(
        "Share of errors",
        "Errors as a share of the calls that each batch made. Above the dashed line"
        f" ({percent(THRESHOLDS.error_share)}), UltravoxBatchManyErrors fires for a batch with"
        f" {THRESHOLDS.error_calls} calls or more: read the errors in Ultravox before more calls"
        " are made. Needs batches.outcomes in the exporter's configuration.",
        "percentunit",
        (batch_lines(share), BATCH_LEGEND),
    )
    steps = ((None, "green"), (THRESHOLDS.error_share, "red"))
    return with_threshold_lines(panel.no_value(_NO_CALL_STATUS), steps)
