"""One deadline over a whole poll, and what is left of it."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Protocol

from exporter.errors import TimedOutError


class Watch(Protocol):
    """Whoever notices when a task hangs."""

    def suspend(self) -> None:
        """Expect nothing of the task for now."""
        ...

    def resume(self) -> None:
        """Expect the task to show up again."""
        ...


_DEADLINE: ContextVar[asyncio.Timeout | None] = ContextVar("deadline", default=None)
_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Bound what runs inside, bodies included. Raises TimedOutError when the time is up."""
    try:
        async with asyncio.timeout(seconds) as timeout:
            token = _DEADLINE.set(timeout)
            try:
                yield
            finally:
                _DEADLINE.reset(token)
    except TimeoutError:
        raise TimedOutError(f"no whole answer within {seconds:g} s") from None


def time_left() -> float:
    """Return the seconds until the deadline that this task runs under, infinity without one."""
    timeout = _DEADLINE.get()
    ends = None if timeout is None else timeout.when()
    return math.inf if ends is None else ends - asyncio.get_running_loop().time()


def watched_by(watch: Watch) -> None:
    """Let the watch know when this task pauses."""
    _WATCH.set(watch)


@contextmanager
def paused() -> Iterator[None]:
    """Stop the deadline's clock and the watch: for waiting that is nobody's fault but our own."""
    timeout, watch, left = _DEADLINE.get(), _WATCH.get(), time_left()
    if watch is not None:
        watch.suspend()
    if timeout is not None:
        timeout.reschedule(None)
    try:
        yield
    finally:
        if timeout is not None:
            timeout.reschedule(asyncio.get_running_loop().time() + left)
        if watch is not None:
            watch.resume()
