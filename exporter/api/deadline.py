"""One deadline over a whole poll, and what is left of it."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from exporter.errors import TimedOutError

_ENDS: ContextVar[float] = ContextVar("deadline", default=math.inf)


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Bound what runs inside, bodies included. Raises TimedOutError when the time is up."""
    ends = asyncio.get_running_loop().time() + seconds
    token = _ENDS.set(ends)
    try:
        async with asyncio.timeout_at(ends):
            yield
    except TimeoutError:
        raise TimedOutError(f"no whole answer within {seconds:g} s") from None
    finally:
        _ENDS.reset(token)


def time_left() -> float:
    """Return the seconds until the deadline that this task runs under, infinity without one."""
    return _ENDS.get() - asyncio.get_running_loop().time()
