"""Who may poll: at most a few polls of an account run at once.

Who may send a request within a poll is decided after that, by `exporter.api.rate_limit`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from exporter.api.rate_limit import RequestLimiter

MAX_POLLS = 4
"""Polls of one account that run at once."""

MAX_FAILING_POLLS = 2
"""Of these, polls of agents whose last poll failed: where many agents hang, slots stay free."""


class PollSlots:
    """The poll slots of one account, given first come first served.

    Agents whose last poll failed queue for one of MAX_FAILING_POLLS places first. An agent that was
    not polled yet counts as not failing: agents that hang for the first time can take every slot.
    A poll that waits here has not begun: it has no deadline yet, and the heartbeat does not expect
    it. No poll begins during a hold of the account.
    """

    def __init__(self, limiter: RequestLimiter) -> None:
        self._limiter = limiter
        self._slots = asyncio.Semaphore(MAX_POLLS)
        self._failing = asyncio.Semaphore(MAX_FAILING_POLLS)

    @asynccontextmanager
    async def slot(self, *, failing: bool) -> AsyncIterator[None]:
        """Run one poll inside. `failing` says that the last poll of the same agent failed."""
        async with self._failing if failing else nullcontext(), self._slots:
            await self._limiter.hold_over()
            yield

    @asynccontextmanager
    async def no_slot(self) -> AsyncIterator[None]:
        """Run inside what needs no poll slot: it waits for the end of a hold only."""
        await self._limiter.hold_over()
        yield
