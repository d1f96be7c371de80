"""The series of live and ended batches."""

from msgspec.structs import replace

from exporter.metrics.batch import BATCH_METRICS
from exporter.model import CALL_STATUSES, Batch, BatchState
from tools.docs.series import CALLS, ENDED, LIVE, series


def found(batch: Batch) -> dict[str, list[str]]:
    """Return the further labels of a batch's series, by the metric's name without its prefix."""
    labels = {metric.name: series(metric, batch) for metric in BATCH_METRICS}
    return {name.removeprefix("ultravox_batch_"): each for name, each in labels.items() if each}


STATUSES = [f'status="{status}"' for status in CALL_STATUSES]


def test_an_ended_batch_has_only_what_rules_runbooks_and_dashboard_read() -> None:
    ended = replace(ENDED, paused=True, throttle="t", webhook=True, call_status=CALLS)
    assert found(ended) == {
        "calls": [""],
        "calls_completed": [""],
        "calls_remaining": [""],
        "state": ['state="ended"'],
        "created_timestamp_seconds": [""],
        "window_start_timestamp_seconds": [""],
        "window_end_timestamp_seconds": [""],
        "ended_timestamp_seconds": [""],
        "info": ['throttle="t",webhook="true"'],
        "scheduled_calls": STATUSES,
    }


def test_a_live_batch_has_every_metric_but_the_time_of_its_end() -> None:
    names = {metric.name.removeprefix("ultravox_batch_") for metric in BATCH_METRICS}
    assert found(replace(LIVE, call_status=CALLS)).keys() == names - {"ended_timestamp_seconds"}


def test_a_live_batch_has_a_series_of_each_state() -> None:
    assert found(LIVE)["state"] == [f'state="{state}"' for state in BatchState]


def test_errors_and_successes_have_series_together_or_not_at_all() -> None:
    """The share of errors among the calls made is their quotient."""

    def statuses(*calls: int | None) -> list[str]:
        batch = replace(LIVE, call_status=replace(CALLS, calls=calls))
        return found(batch).get("scheduled_calls", [])

    assert statuses(None, 6, None, None, 1) == ['status="pending"']
    assert statuses(None, None, 3, 0, None) == ['status="expired"']
    assert statuses(None, None, 3, None, 1) == ['status="success"', 'status="error"']
    assert statuses() == []
