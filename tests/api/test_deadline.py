"""One deadline for a whole poll, and the time that remains."""

import asyncio
import math

import pytest

from exporter.api.deadline import Deadline
from exporter.errors import TimedOutError
from tests.support.virtual import VirtualLoop


async def test_a_deadline_that_passes_is_a_timeout() -> None:
    with pytest.raises(TimedOutError, match=r"no complete response within 0\.01 s"):
        async with Deadline(0.01):
            await asyncio.Event().wait()


async def test_a_cancellation_is_no_timeout() -> None:
    async def wait() -> None:
        async with Deadline(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_time_that_remains_is_known() -> None:
    async with Deadline(60) as deadline:
        assert 59 < deadline.time_left() <= 60


def test_a_pause_stops_the_clock() -> None:
    """The time that remained before the pause remains after it, although more has passed."""

    async def pause() -> float:
        async with Deadline(1) as deadline:
            with deadline.paused():
                assert deadline.time_left() == math.inf
                await asyncio.sleep(3600)
            return deadline.time_left()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert 0.9 < runner.run(pause()) <= 1


async def test_after_a_pause_the_clock_runs_on() -> None:
    async def hang_after_a_pause() -> None:
        async with Deadline(0.05) as deadline:
            with deadline.paused():
                pass
            await asyncio.Event().wait()

    with pytest.raises(TimedOutError):
        await hang_after_a_pause()


class Recorded:
    """A watch that keeps its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def suspend(self) -> None:
        """Keep the call."""
        self.calls.append("suspend")

    def resume(self) -> None:
        """Keep the call."""
        self.calls.append("resume")


async def test_a_pause_suspends_the_watch() -> None:
    watch = Recorded()
    async with Deadline(60, watch) as deadline:
        assert watch.calls == []
        with deadline.paused():
            assert watch.calls == ["suspend"]
        assert watch.calls == ["suspend", "resume"]
