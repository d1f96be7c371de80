"""Who may send a request of an account: slots, rate limit, holds, background."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import pytest

from exporter.api.deadline import Deadline
from exporter.api.rate_limit import MAX_REQUESTS, RequestLimiter
from tests.support.builders import LATE
from tests.support.entries import Entries, settle
from tests.support.virtual import VirtualLoop

FAST = 10_000.0

Entry = Callable[[], AbstractAsyncContextManager[None]]


def ignore(_: float) -> None:
    """Take a wait, in seconds, and do nothing."""


@asynccontextmanager
async def admitted(limiter: RequestLimiter, *, background: bool = False) -> AsyncIterator[None]:
    """Run one request inside, with a deadline of its own."""
    async with Deadline(LATE) as deadline:
        enter = limiter.background_request if background else limiter.request
        async with enter(deadline):
            yield


def entries_of(limiter: RequestLimiter) -> tuple[Entry, Entry]:
    """Return how a request and a background request enter."""
    return partial(admitted, limiter), partial(admitted, limiter, background=True)


async def test_requests_run_four_at_once_and_in_order() -> None:
    request, _ = entries_of(RequestLimiter(FAST, ignore))
    entries = Entries()
    tasks = entries.start(*"abcdef", entry=request)
    await settle()
    assert entries.inside == list("abcdef")[:MAX_REQUESTS]
    entries.leave.set()
    await asyncio.gather(*tasks)
    assert entries.inside == list("abcdef")


async def test_background_requests_run_when_no_other_waits() -> None:
    """One at a time, and not while another request waits."""
    request, background = entries_of(RequestLimiter(FAST, ignore))
    entries = Entries()
    waiting = entries.start(*"abcdef", entry=request)
    late = entries.start("x", "y", entry=background)
    await settle()
    assert entries.inside == list("abcd")
    entries.leave.set()
    await asyncio.gather(*waiting, *late)
    assert entries.inside == list("abcdefxy")
    entries.leave.clear()
    late = entries.start("x", "y", entry=background)
    await settle()
    assert entries.inside == list("abcdefxyx")
    first = entries.start("z", entry=request)
    await settle()
    assert entries.inside == list("abcdefxyxz")
    entries.leave.set()
    await asyncio.gather(*late, *first)


async def test_the_rate_limit_is_one_for_all_and_waits_are_counted() -> None:
    """Two a second, the first two at once: the third waits for half a second."""
    waits: list[float] = []
    request, _ = entries_of(RequestLimiter(2.0, waits.append))

    async def send() -> None:
        async with request():
            pass

    await asyncio.gather(*(send() for _ in range(3)))
    assert len(waits) == 3
    assert sum(waits) >= 0.45


def test_no_request_is_overtaken_for_ever() -> None:
    """One job asks whenever the rate admits a request; the other job gets its share."""

    async def requests_of_the_other() -> int:
        request, _ = entries_of(RequestLimiter(1.0, ignore))
        requests = 0

        async def eager() -> None:
            while True:
                async with request():
                    pass
                await asyncio.sleep(1)

        async def other() -> None:
            nonlocal requests
            while True:
                async with request():
                    requests += 1

        tasks = [asyncio.create_task(eager()), asyncio.create_task(other())]
        await asyncio.sleep(20)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return requests

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(requests_of_the_other()) >= 9


@pytest.mark.parametrize("background", [False, True])
async def test_a_request_waits_for_the_end_of_a_hold_which_has_a_limit(background: bool) -> None:
    limiter = RequestLimiter(FAST, ignore, longest_hold=0.2)
    clock = asyncio.get_running_loop().time
    limiter.hold(10**9)
    limiter.hold(0)
    began = clock()
    async with admitted(limiter, background=background):
        assert clock() - began >= 0.19
    assert limiter.held_for() == 0


def test_a_hold_that_is_prolonged_while_a_request_waits_counts() -> None:
    async def waited() -> float:
        limiter, clock = RequestLimiter(FAST, ignore), asyncio.get_running_loop().time
        limiter.hold(10)
        began = clock()
        asyncio.get_running_loop().call_later(5, limiter.hold, 20)
        await limiter.hold_over()
        return clock() - began

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert 25 <= runner.run(waited()) < 26


@pytest.mark.parametrize("background", [False, True])
def test_no_request_begins_during_a_hold_that_began_while_it_queued(background: bool) -> None:
    """One request a second: the second queues when a hold of 10 s begins."""

    async def begun() -> float:
        limiter, clock = RequestLimiter(1.0, ignore), asyncio.get_running_loop().time
        async with admitted(limiter):
            pass
        asyncio.get_running_loop().call_later(0.5, limiter.hold, 10)
        async with admitted(limiter, background=background):
            return clock()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(begun()) >= 10.5


async def test_a_request_cancelled_while_it_waits_leaves_nothing_behind() -> None:
    request, background = entries_of(RequestLimiter(FAST, ignore))
    entries = Entries()
    inside = entries.start(*"abcd", entry=request)
    await settle()
    cancelled = entries.start("e", entry=request)
    await settle()
    cancelled[0].cancel()
    late = entries.start("x", entry=background)
    await settle()
    entries.leave.set()
    await asyncio.gather(*inside, *late)
    assert entries.inside == list("abcdx")
