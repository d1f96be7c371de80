"""Who may send a request of an account: request slots, rate limit, holds.

Who may poll is decided before that, by `exporter.polling.poll_slots`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from aiolimiter import AsyncLimiter

from exporter.api.deadline import Deadline
from exporter.errors import RateLimitedError

MAX_REQUESTS = 4
"""Requests of one account that run at once."""

LONGEST_HOLD = 300.0
"""Seconds of a hold at most: a longer `Retry-After` counts as this."""


class RequestLimiter:
    """Limits the requests of one account; `waited` gets each wait for the rate limit, in seconds.

    A request waits for a request slot, for the end of a hold, and for the rate limit, first come
    first served. A deadline runs on during a hold, since the API asked for it; it is paused while a
    request queues for a slot or the rate limit. Background requests run one at a time, and begin
    only while no other request waits.
    """

    def __init__(
        self,
        requests_per_second: float,
        waited: Callable[[float], None],
        longest_hold: float = LONGEST_HOLD,
    ) -> None:
        self._waited = waited
        self._longest_hold = longest_hold
        self._slots = asyncio.Semaphore(MAX_REQUESTS)
        burst = max(1.0, requests_per_second)
        self._rate = AsyncLimiter(burst, burst / requests_per_second)
        # The limiter lets a newcomer overtake; behind a lock, all come in their order.
        self._queue = asyncio.Lock()
        self._held_until = 0.0
        self._background = asyncio.Lock()
        self._waiting = 0
        self._none_waits = asyncio.Event()
        self._none_waits.set()

    def hold(self, seconds: float) -> None:
        """Let no request begin for this time: the API asked for it with `Retry-After`."""
        until = asyncio.get_running_loop().time() + min(seconds, self._longest_hold)
        self._held_until = max(self._held_until, until)

    def held_for(self) -> float:
        """Return the seconds to the end of the hold, 0 without one."""
        return max(self._held_until - asyncio.get_running_loop().time(), 0.0)

    async def hold_over(self, deadline: Deadline | None = None) -> None:
        """Wait for the end of the hold. Raises RateLimitedError when it outlasts the deadline."""
        while left := self.held_for():
            if deadline is not None and left >= deadline.time_left():
                raise RateLimitedError(f"the API accepts no request for another {left:.0f} s")
            await asyncio.sleep(left)

    @asynccontextmanager
    async def request(self, deadline: Deadline) -> AsyncIterator[None]:
        """Run one request inside. Raises RateLimitedError when a hold outlasts the deadline."""
        async with AsyncExitStack() as stack:
            with self._ahead_of_background():
                with deadline.paused():
                    await stack.enter_async_context(self._slots)
                await self._admitted(deadline)
            yield

    @asynccontextmanager
    async def background_request(self, deadline: Deadline) -> AsyncIterator[None]:
        """Run one background request inside, when no other request waits. Raises as `request`."""
        async with AsyncExitStack() as stack:
            with deadline.paused():
                await stack.enter_async_context(self._background)
                await self._none_waits.wait()
                await stack.enter_async_context(self._slots)
            await self._admitted(deadline)
            yield

    @contextmanager
    def _ahead_of_background(self) -> Iterator[None]:
        self._waiting += 1
        self._none_waits.clear()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._none_waits.set()

    async def _admitted(self, deadline: Deadline) -> None:
        await self.hold_over(deadline)
        clock = asyncio.get_running_loop().time
        began = clock()
        with deadline.paused():
            async with self._queue:
                await self._rate.acquire()
        self._waited(clock() - began)
        # A hold may have begun while the request queued.
        await self.hold_over(deadline)
