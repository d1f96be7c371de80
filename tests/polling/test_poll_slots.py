"""Who may poll: slots, failing agents, slow polls, holds."""

import asyncio
from collections.abc import Coroutine
from functools import partial

import pytest

from exporter.api.deadline import UNWATCHED, Watch
from exporter.api.rate_limit import RequestLimiter
from exporter.polling.poll_slots import MAX_FAILING_POLLS, MAX_POLLS, PATIENCE, PollSlots
from tests.support.entries import settle
from tests.support.virtual import VirtualLoop


def limiter() -> RequestLimiter:
    """Return a limiter whose holds end after a fifth of a second."""
    return RequestLimiter(10_000.0, lambda _: None, longest_hold=0.2)


class Polls:
    """Polls that end when the test lets them. `begun` are their names in the order of beginning."""

    def __init__(self, slots: PollSlots | None = None) -> None:
        self.slots = slots or PollSlots(limiter())
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.leave = asyncio.Event()
        self.tasks: dict[str, asyncio.Task[str]] = {}

    async def poll(self, name: str, watch: Watch) -> str:
        """Begin, and end when `leave` is set; a name in capitals reports that it queues."""
        self.begun.append(name)
        watch.resume()
        if name.isupper():
            watch.suspend()
        await self.leave.wait()
        self.ended.append(name)
        return name

    def start(self, *names: str, failures: int = 0) -> None:
        """Start a poll for each name."""
        for name in names:
            running = self.slots.run(partial(self.poll, name), UNWATCHED, failures)
            self.tasks[name] = asyncio.create_task(running)

    async def all_ended(self) -> None:
        """Let all polls end; the result of each is its own."""
        self.leave.set()
        assert await asyncio.gather(*self.tasks.values()) == list(self.tasks)


async def test_polls_run_four_at_once_and_in_order() -> None:
    polls = Polls()
    polls.start(*"abcdef")
    await settle()
    assert polls.begun == list("abcdef")[:MAX_POLLS]
    await polls.all_ended()
    assert polls.begun == list("abcdef")


async def test_failing_agents_leave_slots_to_the_others() -> None:
    polls = Polls()
    polls.start(*"abc", failures=1)
    polls.start(*"xyz")
    await settle()
    assert polls.begun == list("abxy")
    await polls.all_ended()
    assert sorted(polls.begun) == list("abcxyz")


async def test_the_agent_that_failed_least_often_goes_before_other_failing_agents() -> None:
    """A place that is given to a poll which is cancelled at that moment goes to the next."""
    polls = Polls()
    for name, failures in zip("abcdef", (9, 9, 9, 1, 3, 1), strict=True):
        polls.start(name, failures=failures)
    await settle()
    assert polls.begun == list("ab")
    polls.tasks.pop("f").cancel()
    polls.tasks.pop("a").cancel()
    await asyncio.sleep(0)
    polls.tasks.pop("d").cancel()
    await settle()
    assert polls.begun == list("abe")
    await polls.all_ended()
    assert polls.begun == list("abec")


def in_virtual_time(work: Coroutine[None, None, None]) -> None:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(work)


async def slow_polls_make_room() -> None:
    """Let four polls be slow, one of them since it queues; then let three agents wait."""
    polls = Polls()
    polls.start(*"abcD")
    await asyncio.sleep(PATIENCE + 1)
    assert polls.begun == list("abcD")
    polls.start(*"wxyz")
    await asyncio.sleep(0.1)
    assert polls.begun == [*"abcD", *"wxy"]
    # Three are slow places; two of them are those of failing agents, and begin when a slot is free.
    polls.leave.set()
    await asyncio.sleep(0.1)
    assert sorted(polls.begun) == sorted([*"abcD", *"wxyz", *"abc"])
    await polls.all_ended()


def test_a_slow_poll_makes_room_for_an_agent_that_waits_and_starts_again() -> None:
    """Its result is that of the second run. A poll that queues is not slow."""
    in_virtual_time(slow_polls_make_room())


async def free_slots_are_enough() -> None:
    """Let three polls be slow, and one agent come for which a slot is free; then another."""
    polls = Polls()
    polls.start(*"abc")
    await asyncio.sleep(PATIENCE + 1)
    polls.start("x")
    await asyncio.sleep(0.1)
    assert polls.begun == list("abcx")
    polls.start("y")
    await asyncio.sleep(0.1)
    assert polls.begun == list("abcxy")
    polls.leave.set()
    await asyncio.sleep(0.1)
    assert polls.begun == list("abcxya")
    await polls.all_ended()


def test_a_slow_poll_goes_on_while_a_slot_is_free() -> None:
    in_virtual_time(free_slots_are_enough())


async def patience_is_over() -> None:
    """Let agents wait before the polls are slow: each ends after its patience."""
    polls, clock = Polls(), asyncio.get_running_loop().time
    polls.start(*"abcdefgh")
    began = clock()
    while "h" not in polls.begun:
        await asyncio.sleep(0.1)
    assert PATIENCE <= clock() - began < 2 * PATIENCE + 1
    assert len(polls.begun) <= 8 + MAX_FAILING_POLLS
    await polls.all_ended()


def test_many_slow_polls_take_their_patience_each_and_not_their_deadline() -> None:
    in_virtual_time(patience_is_over())


async def held_polls_are_not_slow() -> None:
    """Hold the account for longer than the patience while an agent waits."""
    held = RequestLimiter(10_000.0, lambda _: None)
    polls = Polls(PollSlots(held))
    polls.start(*"abcd")
    await settle()
    held.hold(3 * PATIENCE)
    polls.start("x")
    await asyncio.sleep(2 * PATIENCE)
    assert polls.begun == list("abcd")
    polls.leave.set()
    await asyncio.sleep(0.1)
    assert polls.ended == list("abcd")
    await polls.all_ended()


def test_no_poll_is_slow_during_a_hold() -> None:
    in_virtual_time(held_polls_are_not_slow())


async def test_a_timeout_of_the_poll_itself_is_raised() -> None:
    async def poll(_: Watch) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await PollSlots(limiter()).run(poll, UNWATCHED)


@pytest.mark.parametrize("needs_slot", [True, False])
async def test_no_poll_begins_during_a_hold(needs_slot: bool) -> None:
    held = limiter()
    slots, clock = PollSlots(held), asyncio.get_running_loop().time

    async def poll(_: Watch) -> float:
        return clock()

    held.hold(10**9)
    began = clock()
    run = slots.run if needs_slot else slots.run_without
    assert await run(poll, UNWATCHED) - began >= 0.19
