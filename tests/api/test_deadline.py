"""One deadline over a whole poll, and what is left of it."""

import asyncio
import math

import pytest

from exporter.api.deadline import deadline, paused, time_left, watched_by
from exporter.errors import TimedOutError


async def test_a_deadline_that_passes_is_a_timeout() -> None:
    with pytest.raises(TimedOutError, match=r"no whole answer within 0\.01 s"):
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


async def test_what_is_left_is_known_inside_and_infinite_outside() -> None:
    assert time_left() == math.inf
    async with deadline(60):
        assert 59 < time_left() <= 60
    assert time_left() == math.inf


async def test_a_pause_stops_the_clock() -> None:
    """What was left before is left after, though the time was up meanwhile."""
    async with deadline(0.05):
        with paused():
            assert time_left() == math.inf
            await asyncio.sleep(0.1)
        assert 0 < time_left() <= 0.05


async def test_after_a_pause_the_clock_goes_on() -> None:
    async def hang_after_a_pause() -> None:
        async with deadline(0.05):
            with paused():
                pass
            await asyncio.Event().wait()

    with pytest.raises(TimedOutError):
        await hang_after_a_pause()


async def test_without_a_deadline_there_is_nothing_to_pause() -> None:
    with paused():
        assert time_left() == math.inf


class Watching:
    """A watch that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def suspend(self) -> None:
        """Keep it."""
        self.told.append("suspend")

    def resume(self) -> None:
        """Keep it."""
        self.told.append("resume")


async def test_a_pause_is_no_hanging() -> None:
    watch = Watching()

    async def work() -> None:
        watched_by(watch)
        with paused():
            assert watch.told == ["suspend"]
        async with deadline(60):
            with paused():
                pass

    await asyncio.create_task(work())
    assert watch.told == ["suspend", "resume"] * 2
    with paused():
        pass
    assert len(watch.told) == 4
