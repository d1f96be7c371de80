"""Cadence, deadlines, and the proof that the loops live."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager

from exporter.config import Polling
from exporter.errors import PollTimeoutError

LONGEST_BACKOFF = 300.0
"""Seconds between polls of something that keeps failing, unless its cadence is slower still."""

GRACE = 30.0
"""Seconds that a loop may be late before it counts as hung: a loaded machine is not a dead one."""

MAX_DOUBLINGS = 16
"""Past this, doubling changes nothing: even the shortest interval, 1 s, is over LONGEST_BACKOFF."""


def cadence(polling: Polling, *, any_live: bool) -> float:
    """Return the seconds from the beginning of one poll of a healthy agent to the next."""
    return polling.interval if any_live else polling.idle_interval


def backed_off(interval: float, failures_in_a_row: int) -> float:
    """Return the interval after so many failures: doubled by each but the first, up to a limit."""
    doubled = interval * 2.0 ** min(max(failures_in_a_row - 1, 0), MAX_DOUBLINGS)
    return max(interval, min(doubled, LONGEST_BACKOFF))


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Bound what runs inside, bodies included. Raises PollTimeoutError when the time is up."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise PollTimeoutError(f"no whole answer within {seconds:g} s") from None


class Liveness:
    """Knows by when each loop must show up again. Times are the event loop's.

    A loop that dies ends the process by itself; this is for one that hangs.
    """

    def __init__(self) -> None:
        self._due: dict[Hashable, float] = {}

    def expect(self, loop: Hashable, within: float) -> None:
        """Note that the loop lives, and will show up again within so many seconds and the grace."""
        self._due[loop] = asyncio.get_running_loop().time() + within + GRACE

    def forget(self, loop: Hashable) -> None:
        """Expect nothing more of the loop."""
        self._due.pop(loop, None)

    def overdue(self) -> list[str]:
        """Return the names of the loops that hang."""
        now = asyncio.get_running_loop().time()
        return [str(loop) for loop, due in self._due.items() if due < now]


async def repeat(
    loop: Hashable, step: Callable[[], Awaitable[float]], budget: float, liveness: Liveness
) -> None:
    """Run `step` for ever; it returns the seconds from its beginning to its next beginning.

    `budget` bounds one step, in seconds. A step that takes longer than what it returns is followed
    at once.
    """
    clock = asyncio.get_running_loop().time
    try:
        while True:
            began = clock()
            liveness.expect(loop, budget)
            pause = began + await step() - clock()
            liveness.expect(loop, max(pause, 0.0))
            await asyncio.sleep(pause)
    finally:
        liveness.forget(loop)
