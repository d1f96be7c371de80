"""Cadence, and the proof that the loops live."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from exporter.api.deadline import watched_by
from exporter.config import Polling
from exporter.polling.heartbeat import Liveness

LONGEST_BACKOFF = 300.0
"""Seconds between polls of something that keeps failing, unless its cadence is slower still."""

MAX_DOUBLINGS = 16
"""Past this, doubling changes nothing: even the shortest interval, 1 s, is over LONGEST_BACKOFF."""


def cadence(polling: Polling, *, any_live: bool) -> float:
    """Return the seconds from the beginning of one poll of a healthy agent to the next."""
    return polling.interval if any_live else polling.idle_interval


def backed_off(interval: float, failures_in_a_row: int) -> float:
    """Return the interval after so many failures: doubled by each but the first, up to a limit."""
    doubled = interval * 2.0 ** min(max(failures_in_a_row - 1, 0), MAX_DOUBLINGS)
    return max(interval, min(doubled, LONGEST_BACKOFF))


class Loop(Protocol):
    """Something that is done again and again."""

    name: str
    """How the loop is called where it is told that it hangs."""

    budget: float
    """Seconds that one step may take, and will not exceed."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until a step may begin. How long that takes is not the loop's doing."""
        ...

    async def step(self) -> float:
        """Do it once, and return the seconds from this beginning to the next."""
        ...


class LoopWatch:
    """Watches one loop while it works."""

    def __init__(self, loop: Loop, liveness: Liveness) -> None:
        self._loop = loop
        self._liveness = liveness

    def suspend(self) -> None:
        """Expect nothing of the loop for now: who queues is not hanging."""
        self._liveness.forget(self._loop.name)

    def resume(self) -> None:
        """Expect the loop to be done with its step in time."""
        self._liveness.expect(self._loop.name, self._loop.budget)


async def repeat(loop: Loop, liveness: Liveness) -> None:
    """Run a loop for ever. A step that takes longer than what it returns is followed at once."""
    clock = asyncio.get_running_loop().time
    watch = LoopWatch(loop, liveness)
    watched_by(watch)
    try:
        while True:
            watch.suspend()
            async with loop.turn():
                began = clock()
                watch.resume()
                pause = began + await loop.step() - clock()
            liveness.expect(loop.name, max(pause, 0.0))
            await asyncio.sleep(pause)
    finally:
        liveness.forget(loop.name)
