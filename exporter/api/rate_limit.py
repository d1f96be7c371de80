"""The pace of one account's requests: how many at once, how many a second, and who goes first."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext

from aiolimiter import AsyncLimiter

from exporter.api.deadline import paused, time_left
from exporter.errors import RateLimitedError

MAX_CONCURRENT = 4
"""Requests of one account at once, and polls that have begun and are not done."""

MAX_FAILING = 2
"""Of these polls, those of agents that failed last time: where many hang, some turns stay free."""

LONGEST_HOLD = 300.0
"""Seconds for which the API may hold an account back: a longer `Retry-After` counts as this."""


class Throttle:
    """What all requests of one account share. `waited` is told each wait for the rate, in seconds.

    Polls take turns, and within a turn each request takes a slot. A deadline runs while the API
    works or holds the account back; it stands still while a request queues for the account's own
    pace. Requests in the background get what the others leave.
    """

    def __init__(self, requests_per_second: float, waited: Callable[[float], None]) -> None:
        self._waited = waited
        self._turns = asyncio.Semaphore(MAX_CONCURRENT)
        self._failing_turns = asyncio.Semaphore(MAX_FAILING)
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        burst = max(1.0, requests_per_second)
        self._limiter = AsyncLimiter(burst, burst / requests_per_second)
        self._queue = asyncio.Lock()
        self._held_until = 0.0
        self._background = asyncio.Lock()
        self._waiting = 0
        self._nobody_waits = asyncio.Event()
        self._nobody_waits.set()

    def hold(self, seconds: float) -> None:
        """Let no request begin for so long: the API asked for it."""
        until = asyncio.get_running_loop().time() + min(seconds, LONGEST_HOLD)
        self._held_until = max(self._held_until, until)

    def held_for(self) -> float:
        """Return the seconds to the end of the hold, 0 without one."""
        return max(self._held_until - asyncio.get_running_loop().time(), 0.0)

    @asynccontextmanager
    async def turn(self, *, failing: bool) -> AsyncIterator[None]:
        """Wait for one of the polls' turns, first come first served, and for the end of a hold."""
        async with self._failing_turns if failing else nullcontext(), self._turns:
            await self._hold_over()
            yield

    @asynccontextmanager
    async def side_turn(self) -> AsyncIterator[None]:
        """Wait for the end of a hold alone: for the few that must not queue behind every agent."""
        await self._hold_over()
        yield

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Run one request inside. Raises RateLimitedError when a hold outlasts the deadline."""
        async with AsyncExitStack() as stack:
            with self._in_front():
                with paused():
                    await stack.enter_async_context(self._slots)
                await self._paced()
            yield

    @asynccontextmanager
    async def background_slot(self) -> AsyncIterator[None]:
        """Run one request inside, one of its kind at a time, when nobody waits for a slot."""
        async with AsyncExitStack() as stack:
            with paused():
                await stack.enter_async_context(self._background)
                await self._nobody_waits.wait()
                await stack.enter_async_context(self._slots)
            await self._paced()
            yield

    @contextmanager
    def _in_front(self) -> Iterator[None]:
        self._waiting += 1
        self._nobody_waits.clear()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._nobody_waits.set()

    async def _paced(self) -> None:
        await self._hold_over()
        clock = asyncio.get_running_loop().time
        began = clock()
        with paused():
            # The limiter lets a newcomer overtake; behind a lock, all come in their order.
            async with self._queue:
                await self._limiter.acquire()
        self._waited(clock() - began)

    async def _hold_over(self) -> None:
        while left := self.held_for():
            if left >= time_left():
                raise RateLimitedError(f"the API wants no request for another {left:.0f} s")
            await asyncio.sleep(left)
