"""Slots: whose scrape is ended when all of them are taken."""

import asyncio
import contextlib

from exporter.web.scrape_slots import Scrape, ScrapeSlots, end_now


def scrape(address: str, waits_since: float | None = None) -> Scrape:
    """Return a scrape that waits for its reader since that time, or does not wait."""
    made = Scrape(address, lambda: None)
    made.waits_since = waits_since
    return made


def displaced(slots: ScrapeSlots, taken: list[Scrape], new: Scrape) -> list[int]:
    """Let the scrapes take slots, then a new one; return the indices of those that are ended."""
    assert all(slots.take(each) for each in taken)
    assert slots.take(new)
    return [index for index, each in enumerate(taken) if each.displaced]


def test_a_free_slot_displaces_no_scrape() -> None:
    assert displaced(ScrapeSlots(3, 2), [scrape("a", 1.0), scrape("a", 2.0)], scrape("b")) == []


def test_the_scrape_that_waits_longest_for_its_reader_is_displaced() -> None:
    taken = [scrape("a", 3.0), scrape("a", 1.0), scrape("b", 0.5), scrape("a")]
    assert displaced(ScrapeSlots(4, 4), taken, scrape("c")) == [1]


def test_an_address_with_fewer_slots_displaces_the_oldest_scrape_if_none_waits() -> None:
    assert displaced(ScrapeSlots(2, 2), [scrape("a"), scrape("a")], scrape("b")) == [0]


def test_an_address_does_not_take_a_slot_of_one_that_has_as_few() -> None:
    taken = [scrape("a", 1.0), scrape("b", 2.0)]
    assert displaced(ScrapeSlots(2, 2), taken, scrape("b")) == [1]


def test_an_address_at_its_limit_takes_its_own_slots_while_others_are_free() -> None:
    taken = [scrape("a", 2.0), scrape("b", 1.0), scrape("a", 3.0)]
    assert displaced(ScrapeSlots(8, 2), taken, scrape("a")) == [0]


def test_a_scrape_gets_no_slot_if_its_address_has_the_most_and_none_waits() -> None:
    slots = ScrapeSlots(2, 2)
    first, second = scrape("a"), scrape("a")
    assert slots.take(first)
    assert slots.take(second)
    assert not slots.take(scrape("a"))
    slots.give_back(first)
    slots.give_back(first)
    assert slots.take(scrape("a"))


async def test_a_time_limit_may_be_ended_when_its_time_is_over_already() -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0) as limit:
            try:
                await asyncio.Event().wait()
            finally:
                end_now(limit)
    assert limit.expired()
