"""An event loop with virtual time: hours pass in seconds, on a machine of any speed.

Time passes only while no task can run. It is for a client and a server in one process: what one of
them sends, the other has received when the loop looks, so no timeout passes before a response.
"""

import asyncio
import selectors
import time
from collections.abc import Callable

SETTLING = 0.00002
"""Real seconds in which data may still arrive before virtual time passes. `epoll` cannot wait for
less than a millisecond, and a virtual day has tens of thousands of such waits."""

MOMENT = 1e-6
"""Virtual seconds that one iteration of the loop takes: so a wait for a rounding error ends."""


class _Selector(selectors.DefaultSelector):
    """A selector that does not wait: it reports to `skip` how many seconds it skipped."""

    skip: Callable[[float], None]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the events that are ready. If there are none, skip the timeout."""
        self.skip(MOMENT)
        if timeout is None:
            return super().select()
        events = super().select(0)
        if events or timeout <= 0:
            return events
        time.sleep(SETTLING)
        events = super().select(0)
        if not events:
            self.skip(timeout)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock counts the seconds that tasks waited for."""

    def __init__(self) -> None:
        selector = _Selector()
        selector.skip = self._skip
        self._now = 0.0
        super().__init__(selector)

    def time(self) -> float:
        """Return the loop's time in seconds."""
        return self._now

    def _skip(self, seconds: float) -> None:
        self._now += seconds

    def wall_clock(self) -> float:
        """Return the loop's time as seconds since the epoch."""
        return EPOCH + self._now


EPOCH = float(int(time.time()))
