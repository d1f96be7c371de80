"""Cadence, deadlines, and the proof that the loops live."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import Polling
from exporter.errors import PollTimeoutError
from exporter.polling import schedule
from exporter.polling.schedule import LONGEST_BACKOFF, Liveness, backed_off, cadence, deadline


def test_agents_with_live_batches_are_polled_more_often() -> None:
    polling = Polling(interval=30, idle_interval=120)
    assert cadence(polling, any_live=True) == 30
    assert cadence(polling, any_live=False) == 120


@pytest.mark.parametrize(
    ("failures", "interval"), [(0, 30), (1, 30), (2, 60), (3, 120), (4, 240), (5, 300), (99, 300)]
)
def test_failures_double_the_interval_up_to_five_minutes(failures: int, interval: float) -> None:
    assert backed_off(30, failures) == interval


@given(st.floats(min_value=1, max_value=1e6), st.integers(min_value=0, max_value=10**9))
def test_backing_off_never_polls_more_often_and_knows_its_limit(
    interval: float, failures: int
) -> None:
    slower = backed_off(interval, failures)
    assert interval <= slower <= max(interval, LONGEST_BACKOFF)
    assert slower <= backed_off(interval, failures + 1)


async def test_a_deadline_that_passes_is_a_timeout() -> None:
    with pytest.raises(PollTimeoutError, match=r"no whole answer within 0\.01 s"):
        async with deadline(0.01):
            await asyncio.Event().wait()


async def test_a_cancellation_is_no_timeout() -> None:
    async def wait() -> None:
        async with deadline(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_loop_that_does_not_show_up_is_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "GRACE", 0.0)
    liveness = Liveness()
    liveness.expect("fine", within=3600)
    liveness.expect("hung", within=-1)
    assert liveness.overdue() == ["hung"]
    liveness.expect("hung", within=3600)
    assert liveness.overdue() == []
    liveness.expect("gone", within=-1)
    liveness.forget("gone")
    assert liveness.overdue() == []


async def test_a_step_says_when_the_next_begins_and_a_late_one_is_followed_at_once() -> None:
    """The loop is watched while it runs, and forgotten when it ends."""
    liveness = Liveness()
    steps: list[float] = []
    clock = asyncio.get_running_loop().time

    async def step() -> float:
        steps.append(clock())
        if len(steps) == 1:
            return 0.2
        if len(steps) == 2:
            await asyncio.sleep(0.05)
            return 0.01
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        await schedule.repeat("x", step, budget=1, liveness=liveness)
    assert steps[1] - steps[0] >= 0.2
    assert steps[2] - steps[1] >= 0.05
    assert liveness.overdue() == []
