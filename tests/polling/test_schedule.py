"""Cadence, and the proof that the loops live."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import Polling
from exporter.polling import heartbeat
from exporter.polling.heartbeat import Liveness
from exporter.polling.schedule import LONGEST_BACKOFF, backed_off, cadence, repeat


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


async def test_a_loop_that_does_not_show_up_is_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "GRACE", 0.0)
    liveness = Liveness()
    liveness.expect("fine", within=3600)
    liveness.expect("hung", within=-1)
    assert liveness.overdue() == ["hung"]
    liveness.expect("hung", within=3600)
    assert liveness.overdue() == []
    liveness.expect("gone", within=-1)
    liveness.forget("gone")
    assert liveness.overdue() == []


class Counted:
    """A loop that keeps the times of its steps, and ends with the third."""

    name = "counted"
    budget = 1.0

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.gate = asyncio.Event()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the gate."""
        await self.gate.wait()
        yield

    async def step(self) -> float:
        """Return when to go on."""
        self.steps.append(asyncio.get_running_loop().time())
        match len(self.steps):
            case 1:
                return 0.2
            case 2:
                await asyncio.sleep(0.05)
                return 0.01
        raise RuntimeError("enough")


async def test_a_step_says_when_the_next_begins_and_a_late_one_is_followed_at_once() -> None:
    """The loop is watched while it runs, and forgotten when it ends."""
    loop, liveness = Counted(), Liveness()
    loop.gate.set()
    with pytest.raises(RuntimeError, match="enough"):
        await repeat(loop, liveness)
    first, second, third = loop.steps
    assert second - first >= 0.2
    assert third - second >= 0.05
    assert liveness.overdue() == []


async def test_waiting_for_a_turn_is_not_hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "GRACE", -3600.0)
    loop, liveness = Counted(), Liveness()
    task = asyncio.create_task(repeat(loop, liveness))
    await asyncio.sleep(0.01)
    assert liveness.overdue() == []
    loop.gate.set()
    await asyncio.sleep(0.01)
    assert liveness.overdue() == ["counted"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
