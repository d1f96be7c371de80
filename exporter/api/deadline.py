"""One deadline over a whole poll, and what is left of it."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from exporter.errors import TimedOutError

_CURRENT: ContextVar[asyncio.Timeout | None] = ContextVar("deadline", default=None)


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Bound what runs inside, bodies included. Raises TimedOutError when the time is up."""
    try:
        async with asyncio.timeout(seconds) as timeout:
            token = _CURRENT.set(timeout)
            try:
                yield
            finally:
                _CURRENT.reset(token)
    except TimeoutError:
        raise TimedOutError(f"no whole answer within {seconds:g} s") from None


def time_left() -> float:
    """Return the seconds until the deadline that this task runs under, infinity without one."""
    timeout = _CURRENT.get()
    ends = None if timeout is None else timeout.when()
    return math.inf if ends is None else ends - asyncio.get_running_loop().time()


@contextmanager
def paused() -> Iterator[None]:
    """Stop the clock of the deadline: for waiting that is nobody's fault but our own."""
    timeout = _CURRENT.get()
    if timeout is None:
        yield
        return
    left = time_left()
    timeout.reschedule(None)
    try:
        yield
    finally:
        timeout.reschedule(asyncio.get_running_loop().time() + left)
