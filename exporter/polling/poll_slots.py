"""Who may poll: at most a few polls of an account run at once.

Who may send a request within a poll is decided after that, by `exporter.api.rate_limit`.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from exporter.api.deadline import Watch
from exporter.api.rate_limit import RequestLimiter

MAX_POLLS = 4
"""Polls of one account that run at once."""

MAX_FAILING_POLLS = 2
"""Of these, polls of agents whose last poll failed: where many agents hang, slots stay free."""

PATIENCE = 5.0
"""Seconds for which a request may be without a response before its poll counts as slow."""

Result = TypeVar("Result")

Poll = Callable[[Watch], Awaitable[Result]]
"""One poll. It reports to the watch when it queues, and when it no longer does."""


class PollSlots:
    """The poll slots of one account, given first come first served.

    Agents whose last poll failed queue for one of MAX_FAILING_POLLS places first; the one that
    failed least often in a row gets the next place. If the poll of another agent is slow, and a
    third agent waits that is not failing, then the slow poll ends and starts again in one of these
    places. When all at once begin to hang, the others do not wait for one deadline after the other.
    A poll that waits here has not begun: it has no deadline yet, and the heartbeat does not expect
    it. No poll begins during a hold of the account.
    """

    def __init__(self, limiter: RequestLimiter) -> None:
        self._limiter = limiter
        self._slots = asyncio.Semaphore(MAX_POLLS)
        self._failing = _Places(MAX_FAILING_POLLS)
        self._waiting = 0
        self._running: list[_Interruptible] = []

    async def run(
        self, poll: Poll[Result], watch: Watch, failures: int = 0, patience: float = PATIENCE
    ) -> Result:
        """Run one poll in a slot, and return its result.

        `failures` is how many polls of the same agent failed in a row before. `patience` is in
        seconds.
        """
        if not failures:
            running = _Interruptible(watch, patience, self._make_room)
            try:
                async with self._free_slot(), self._running_as(running):
                    return await poll(running)
            except TimeoutError:
                if not running.timeout.expired():
                    raise
            watch.suspend()
        async with self._failing.place(failures), self._slots:
            await self._limiter.hold_over()
            return await poll(watch)

    async def run_without(self, poll: Poll[Result], watch: Watch) -> Result:
        """Run what needs no poll slot: it waits for the end of a hold only."""
        await self._limiter.hold_over()
        return await poll(watch)

    @asynccontextmanager
    async def _free_slot(self) -> AsyncIterator[None]:
        self._waiting += 1
        self._make_room()
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            await self._limiter.hold_over()
            yield
        finally:
            self._slots.release()

    @asynccontextmanager
    async def _running_as(self, poll: "_Interruptible") -> AsyncIterator[None]:
        self._running.append(poll)
        try:
            async with poll.timeout:
                yield
        finally:
            poll.suspend()
            self._running.remove(poll)

    def _make_room(self) -> None:
        """Interrupt a slow poll for each agent that waits. During a hold, no poll is slow."""
        if self._limiter.held_for() or not self._slots.locked():
            return
        leaving = sum(poll.interrupted for poll in self._running)
        slow = [poll for poll in self._running if poll.slow and not poll.interrupted]
        for poll in slow[: max(self._waiting - leaving, 0)]:
            poll.interrupt()


class _Interruptible:
    """Watches a poll that may be interrupted while it is slow, and reports to another watch.

    It is slow when no response came for `patience` seconds, time in the account's queues excepted.
    """

    def __init__(self, watch: Watch, patience: float, on_slow: Callable[[], None]) -> None:
        self._watch = watch
        self._patience = patience
        self._on_slow = on_slow
        self._timer: asyncio.TimerHandle | None = None
        self.timeout = asyncio.timeout(None)
        self.slow = False
        self.interrupted = False

    def suspend(self) -> None:
        """Note that the poll queues."""
        self._watch.suspend()
        self._stop_timer()

    def resume(self) -> None:
        """Note that the poll goes on: it sends its next request."""
        self._watch.resume()
        self._stop_timer()
        call_later = asyncio.get_running_loop().call_later
        self._timer = call_later(self._patience, self._become_slow)

    def interrupt(self) -> None:
        """End the poll with a TimeoutError."""
        self.interrupted = True
        self.timeout.reschedule(asyncio.get_running_loop().time())

    def _stop_timer(self) -> None:
        self.slow = False
        if self._timer is not None:
            self._timer.cancel()

    def _become_slow(self) -> None:
        self.slow = True
        self._on_slow()


class _Places:
    """A number of places; the next free one goes to the lowest rank, then to who came first."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._came = 0

    @asynccontextmanager
    async def place(self, rank: int) -> AsyncIterator[None]:
        """Wait for a place, and have it inside."""
        if self._free:
            self._free -= 1
        else:
            self._came += 1
            given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._queue, (rank, self._came, given))
            try:
                await given
            except asyncio.CancelledError:
                if given.done() and not given.cancelled():
                    self._leave()
                raise
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        """Give the place to the next in the queue that still waits."""
        while self._queue:
            _, _, given = heapq.heappop(self._queue)
            if not given.done():
                given.set_result(None)
                return
        self._free += 1
