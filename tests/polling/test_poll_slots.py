"""Who may poll: slots, failing agents, holds."""

import asyncio
from functools import partial

import pytest

from exporter.api.rate_limit import RequestLimiter
from exporter.polling.poll_slots import MAX_POLLS, PollSlots
from tests.support.entries import Entries, settle


def limiter() -> RequestLimiter:
    """Return a limiter whose holds end after a fifth of a second."""
    return RequestLimiter(10_000.0, lambda _: None, longest_hold=0.2)


async def test_polls_run_four_at_once_and_in_order() -> None:
    slots, entries = PollSlots(limiter()), Entries()
    tasks = entries.start(*"abcdef", entry=partial(slots.slot, failing=False))
    await settle()
    assert entries.inside == list("abcdef")[:MAX_POLLS]
    entries.leave.set()
    await asyncio.gather(*tasks)
    assert entries.inside == list("abcdef")


async def test_failing_agents_leave_slots_to_the_others() -> None:
    slots, entries = PollSlots(limiter()), Entries()
    tasks = entries.start(*"abc", entry=partial(slots.slot, failing=True))
    tasks += entries.start(*"xyz", entry=partial(slots.slot, failing=False))
    await settle()
    assert entries.inside == list("abxy")
    entries.leave.set()
    await asyncio.gather(*tasks)
    assert sorted(entries.inside) == list("abcxyz")


@pytest.mark.parametrize("needs_slot", [True, False])
async def test_no_poll_begins_during_a_hold(needs_slot: bool) -> None:
    held = limiter()
    slots, clock = PollSlots(held), asyncio.get_running_loop().time
    held.hold(10**9)
    began = clock()
    async with slots.slot(failing=False) if needs_slot else slots.no_slot():
        assert clock() - began >= 0.19
