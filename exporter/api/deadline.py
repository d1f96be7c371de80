"""One deadline for a whole poll, and the time that remains."""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self

from exporter.errors import TimedOutError


class Watch(Protocol):
    """Notices when a job hangs."""

    def suspend(self) -> None:
        """Expect nothing of the job until `resume`."""
        ...

    def resume(self) -> None:
        """Expect the job to finish its run in time."""
        ...


class _Unwatched:
    """A watch that notices nothing."""

    def suspend(self) -> None:
        """Do nothing."""

    def resume(self) -> None:
        """Do nothing."""


UNWATCHED: Watch = _Unwatched()
"""For work that no heartbeat covers, such as `check --live`."""


class Deadline:
    """Bounds the work in its `async with` block to a number of seconds, response bodies included.

    Whatever is awaited in the block and may queue for the account's own limits takes the deadline
    as an argument and queues inside `paused()`: that time counts neither for the deadline nor for
    the watch. A deadline is for one block of one task.
    """

    def __init__(self, seconds: float, watch: Watch = UNWATCHED) -> None:
        self._seconds = seconds
        self._watch = watch
        self._timeout = asyncio.Timeout(None)

    async def __aenter__(self) -> Self:
        """Start the clock."""
        ends = asyncio.get_running_loop().time() + self._seconds
        self._timeout = await asyncio.Timeout(ends).__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the clock. Raises TimedOutError when the time was up."""
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            raise TimedOutError(f"no complete response within {self._seconds:g} s") from None

    def time_left(self) -> float:
        """Return the seconds until the deadline, infinity inside `paused`."""
        ends = self._timeout.when()
        return math.inf if ends is None else ends - asyncio.get_running_loop().time()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock and the watch while work queues for the account's own limits."""
        left = self.time_left()
        self._watch.suspend()
        self._timeout.reschedule(None)
        try:
            yield
        finally:
            self._timeout.reschedule(asyncio.get_running_loop().time() + left)
            self._watch.resume()
