"""The pace of one account: turns, slots, holds, and who goes first."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest

from exporter.api import rate_limit as throttle_module
from exporter.api.rate_limit import MAX_CONCURRENT, Throttle
from tests.support.virtual import VirtualLoop

FAST = 10_000.0


def unheard(_: float) -> None:
    """Hear of a wait, and do nothing about it."""


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Runs:
    """What is inside a turn or slot, in the order in which it came in."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.go = asyncio.Event()

    async def run(self, name: str, entry: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        """Go in, and stay until told to go."""
        async with entry():
            self.inside.append(name)
            await self.go.wait()

    def start(
        self, *names: str, entry: Callable[[], AbstractAsyncContextManager[None]]
    ) -> list[asyncio.Task[None]]:
        """Start a run for each name."""
        return [asyncio.create_task(self.run(name, entry)) for name in names]


def entry(throttle: Throttle, kind: str) -> Callable[[], AbstractAsyncContextManager[None]]:
    """Return how to get a turn or slot of the kind."""
    if kind == "turn":
        return partial(throttle.turn, failing=False)
    found: Callable[[], AbstractAsyncContextManager[None]] = getattr(throttle, kind)
    return found


@pytest.mark.parametrize("kind", ["turn", "slot"])
async def test_so_many_at_once_and_in_order_of_coming(kind: str) -> None:
    throttle, runs = Throttle(FAST, unheard), Runs()
    tasks = runs.start(*"abcdef", entry=entry(throttle, kind))
    await settle()
    assert runs.inside == list("abcdef")[:MAX_CONCURRENT]
    runs.go.set()
    await asyncio.gather(*tasks)
    assert runs.inside == list("abcdef")


async def test_those_that_failed_leave_turns_to_the_others() -> None:
    throttle, runs = Throttle(FAST, unheard), Runs()
    tasks = runs.start(*"abc", entry=partial(throttle.turn, failing=True))
    tasks += runs.start(*"xyz", entry=partial(throttle.turn, failing=False))
    await settle()
    assert runs.inside == list("abxy")
    runs.go.set()
    await asyncio.gather(*tasks)
    assert sorted(runs.inside) == list("abcxyz")


async def test_the_background_gets_what_the_others_leave() -> None:
    """One at a time, and not while anybody else waits."""
    throttle, runs = Throttle(FAST, unheard), Runs()
    waiting = runs.start(*"abcdef", entry=throttle.slot)
    late = runs.start("x", "y", entry=throttle.background_slot)
    await settle()
    assert runs.inside == list("abcd")
    runs.go.set()
    await asyncio.gather(*waiting, *late)
    assert runs.inside == list("abcdefxy")
    runs.go.clear()
    late = runs.start("x", "y", entry=throttle.background_slot)
    await settle()
    assert runs.inside == list("abcdefxyx")
    first = runs.start("z", entry=throttle.slot)
    await settle()
    assert runs.inside == list("abcdefxyxz")
    runs.go.set()
    await asyncio.gather(*late, *first)


async def test_the_rate_holds_for_all_and_the_waiting_is_told() -> None:
    """Two a second, the first two at once: the third waits for half a second."""
    waits: list[float] = []
    throttle = Throttle(2.0, waits.append)

    async def request() -> None:
        async with throttle.slot():
            pass

    await asyncio.gather(*(request() for _ in range(3)))
    assert len(waits) == 3
    assert sum(waits) >= 0.45


def test_nobody_is_overtaken_for_ever() -> None:
    """One asks each time that the rate lets one through; the other's turn comes all the same."""

    async def asked_by_the_other() -> int:
        throttle, requests = Throttle(1.0, unheard), 0

        async def eager() -> None:
            while True:
                async with throttle.slot():
                    pass
                await asyncio.sleep(1)

        async def other() -> None:
            nonlocal requests
            while True:
                async with throttle.slot():
                    requests += 1

        tasks = [asyncio.create_task(eager()), asyncio.create_task(other())]
        await asyncio.sleep(20)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return requests

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(asked_by_the_other()) >= 9


@pytest.mark.parametrize("kind", ["turn", "side_turn", "slot", "background_slot"])
async def test_a_hold_is_waited_for_and_never_long(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(throttle_module, "LONGEST_HOLD", 0.2)
    throttle = Throttle(FAST, unheard)
    clock = asyncio.get_running_loop().time
    throttle.hold(10**9)
    throttle.hold(0)
    began = clock()
    async with entry(throttle, kind)():
        assert clock() - began >= 0.19
    assert throttle.held_for() == 0


async def test_a_hold_that_begins_while_one_is_waited_for_counts() -> None:
    throttle = Throttle(FAST, unheard)
    clock = asyncio.get_running_loop().time
    throttle.hold(0.1)
    began = clock()

    async def longer() -> None:
        await asyncio.sleep(0.05)
        throttle.hold(0.2)

    work: Coroutine[None, None, None] = longer()
    task = asyncio.create_task(work)
    async with throttle.turn(failing=False):
        assert clock() - began >= 0.24
    await task


async def test_whoever_gives_up_waiting_leaves_nothing_behind() -> None:
    throttle, runs = Throttle(FAST, unheard), Runs()
    inside = runs.start(*"abcd", entry=throttle.slot)
    await settle()
    gone = runs.start("e", entry=throttle.slot)
    await settle()
    gone[0].cancel()
    late = runs.start("x", entry=throttle.background_slot)
    await settle()
    runs.go.set()
    await asyncio.gather(*inside, *late)
    assert runs.inside == list("abcdx")
