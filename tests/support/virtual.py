"""An event loop whose time passes only when nothing else is left to do: hours in seconds.

For a client and a server in one process: what one sends, the other has already received when the
loop looks, so that time never runs ahead of an answer.
"""

import asyncio
import selectors
import time
from collections.abc import Callable

SETTLING = 0.0001
"""Real seconds in which something may still arrive before time moves on. `epoll` by itself can't
wait for less than a millisecond, and a day has tens of thousands of such moments."""

MOMENT = 1e-6
"""Seconds that a turn of the loop takes: whoever waits for a rounding error must get there."""


class _Selector(selectors.DefaultSelector):
    """Skips the waiting, and says how much of it was skipped."""

    skip: Callable[[float], None]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; where nothing is, let the time be up at once."""
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
    """A loop with a clock of its own: seconds that were waited for, not seconds that passed."""

    def __init__(self) -> None:
        selector = _Selector()
        selector.skip = self._skip
        self._now = 0.0
        super().__init__(selector)

    def time(self) -> float:
        """Return the loop's time."""
        return self._now

    def _skip(self, seconds: float) -> None:
        self._now += seconds

    def wall_clock(self) -> float:
        """Return the loop's time as seconds since the epoch."""
        return EPOCH + self._now


EPOCH = float(int(time.time()))
