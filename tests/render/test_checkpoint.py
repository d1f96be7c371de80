"""Long work lets others run."""

import asyncio

from msgspec.structs import replace

from exporter.config import Batches, Polling
from exporter.metrics.batch import BATCH_METRICS
from exporter.model import Agent, AgentSnapshot, Batch, Listing, PollHealth, Snapshot
from exporter.render.cache import ExpositionCache
from exporter.render.gzip_stream import gzipped, plain
from exporter.render.text import Format
from exporter.selection import SelectionSettings

LARGE = AgentSnapshot(
    Agent("main", "a", "A"),
    PollHealth(30.0, up=True, last_success=1000.0),
    Listing(
        tuple(
            Batch(f"{number:036}", created=900.0, total=9, completed=1, window_end=2000.0 + number)
            for number in range(20_000)
        ),
        pages=200,
    ),
)
LOWEST = 10
"""Turns that others get at least in each piece of work: far fewer than slices there are."""


async def turns_meanwhile(work: asyncio.Task[object]) -> int:
    """Return how often another task got its turn before the work was done."""
    turns = 0
    while not work.done():
        turns += 1
        await asyncio.sleep(0)
    await work
    return turns


async def test_rendering_a_large_agent_and_its_page_is_cut_into_turns() -> None:
    pages = ExpositionCache(SelectionSettings(Polling(), Batches(max_per_agent=15_000)))
    snapshot = Snapshot(agents=(LARGE,))
    assert await turns_meanwhile(asyncio.create_task(pages.update(LARGE, 1000.0))) > LOWEST
    parts = await pages.parts(snapshot, 1001.0, Format.PROMETHEUS)
    assert await turns_meanwhile(asyncio.create_task(gzipped(parts))) >= 1

    async def inflated() -> int:
        return sum([len(chunk) async for chunk in plain(parts).chunks()])

    assert await turns_meanwhile(asyncio.create_task(inflated())) >= 1


async def test_what_did_not_change_is_not_rendered_again() -> None:
    """A poll that brings the same batches, a rename, and one batch of many that moved on."""
    pages = ExpositionCache(SelectionSettings(Polling(), Batches(max_per_agent=20_000)))
    before = await pages.update(LARGE, 1000.0)
    assert await pages.update(LARGE, 1100.0) is before
    renamed = replace(LARGE, agent=Agent("main", "a", "B"))
    after = await pages.update(renamed, 1100.0)
    assert after.lines != before.lines
    assert [id(each) for each in after.shown] == [id(each) for each in before.shown]
    assert LARGE.listing is not None
    first, *rest = LARGE.listing.batches
    moved = replace(
        LARGE, listing=replace(LARGE.listing, batches=(replace(first, completed=2), *rest))
    )
    news = await pages.update(moved, 1100.0)
    assert [new is old for new, old in zip(news.shown, before.shown, strict=True)] == [
        False,
        *[True] * (len(before.shown) - 1),
    ]
    blocks = zip(news.shown[0].blocks, before.shown[0].blocks, strict=True)
    assert sum(new is not old for new, old in blocks) == 2, "completed and remaining"


async def test_agents_that_are_gone_leave_nothing_behind() -> None:
    pages = ExpositionCache(SelectionSettings(Polling(), Batches()))
    small = replace(LARGE, listing=None)
    other = replace(small, agent=Agent("main", "b", "B"))
    await pages.parts(Snapshot(agents=(small, other)), 1000.0, Format.PROMETHEUS)
    kept = await pages.update(small, 1000.0)
    await pages.parts(Snapshot(agents=(small,)), 1000.0, Format.PROMETHEUS)
    assert await pages.update(small, 1000.0) is kept
    assert len(pages) == 1


async def test_at_the_edge_of_a_window_only_what_the_time_moves_is_rendered_again() -> None:
    """State and window; and a batch that has ended has no edge, nor time left."""
    running = Batch("b", created=1.0, total=9, completed=1, window_end=1100.0)
    ended = Batch("e", created=1.0, total=9, completed=9, window_end=1100.0, ended=990.0)
    listing = Listing((running, ended), pages=1)
    pages = ExpositionCache(SelectionSettings(Polling(), Batches()))
    agent = replace(LARGE, listing=listing)
    (before,) = (await pages.update(agent, 1000.0)).shown
    (after,) = (await pages.update(agent, 1100.0)).shown
    moved = [
        metric.name
        for metric, new, old in zip(BATCH_METRICS, after.blocks, before.blocks, strict=True)
        if new is not old
    ]
    assert moved == ["ultravox_batch_state", "ultravox_batch_window_remaining_seconds"]
    only_ended = replace(LARGE, listing=Listing((ended,), pages=1))
    page = plain(await pages.parts(Snapshot(agents=(only_ended,)), 1000.0, Format.PROMETHEUS))
    text = b"".join([chunk async for chunk in page.chunks()])
    assert b"ultravox_batch_calls{" in text
    assert b"window_remaining_seconds{" not in text


async def test_of_two_who_want_the_same_page_the_second_finds_it_made() -> None:
    pages = ExpositionCache(SelectionSettings(Polling(), Batches(max_per_agent=20_000)))
    first, second = await asyncio.gather(*[pages.update(LARGE, 1000.0) for _ in range(2)])
    assert first is second
