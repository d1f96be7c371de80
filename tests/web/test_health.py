"""Health is answered while a hundred thousand batches are rendered and scraped."""

import asyncio
import contextlib
from collections.abc import Coroutine
from functools import partial

import aiohttp

from exporter.config import Batches, Polling
from exporter.metrics.instrumentation import Instrumentation
from exporter.model import AccountSnapshot, Agent, AgentSnapshot, Batch, Listing, PollHealth
from exporter.render.cache import ExpositionCache
from exporter.render.chunk import RenderLimits
from exporter.render.exposition import exposition, render_changes
from exporter.selection import SelectionSettings
from exporter.store import Store
from exporter.web.address import Address
from exporter.web.server import Site, application, listen

BATCHES = 100_000
NOW = 1000.0
KEY = ("main", "a")
LEAST = 20
"""Responses during each piece of work: far fewer than its checkpoints, of which there are 500."""

LIMITS = RenderLimits(work_limit=0.0)
"""Other tasks run at every checkpoint, so the number of responses does not depend on speed."""


def snapshot(completed: int) -> AgentSnapshot:
    """Return one agent that has all the batches."""
    batches = tuple(
        Batch(f"{number:036}", 900.0, 9, completed, window_end=2000.0 + number % 24)
        for number in range(BATCHES)
    )
    health = PollHealth(30.0, up=True, last_success=NOW, polls=completed)
    return AgentSnapshot(Agent("main", "a", "A"), health, Listing(batches, pages=1000))


async def test_health_is_answered_while_batches_are_rendered_and_scraped() -> None:
    """First rendered, then scraped with and without gzip, then polled again and scraped at once."""
    store, settings = Store(), SelectionSettings(Polling(), Batches(max_per_agent=BATCHES))
    cache = ExpositionCache(settings, LIMITS)
    metrics = partial(exposition, store, cache, Instrumentation(), lambda: NOW)
    site = Site("/metrics", metrics, overdue=list, ready=lambda: True)
    store.put_account(AccountSnapshot("main", 5.0))
    store.put_agent(snapshot(1))
    async with (
        listen(application(site), (Address("127.0.0.1", 0),)) as (address,),
        aiohttp.ClientSession(f"http://{address}", auto_decompress=False) as session,
    ):

        async def scrape(encoding: str) -> int:
            async with session.get("/metrics", headers={"Accept-Encoding": encoding}) as response:
                assert response.status == 200
                return len(await response.read())

        async def responses_during(work: Coroutine[object, object, object]) -> int:
            task, responses = asyncio.create_task(work), 0
            while not task.done():
                async with session.get("/-/healthy") as response:
                    assert response.status == 200
                responses += 1
            await task
            return responses

        assert await responses_during(cache.update(store.agent(KEY), NOW)) > LEAST
        assert await responses_during(scrape("gzip")) > LEAST
        assert await responses_during(scrape("identity")) > LEAST
        renderer = asyncio.create_task(render_changes(store, cache, lambda: NOW))
        store.put_agent(snapshot(2))
        assert await responses_during(scrape("gzip")) > LEAST
        renderer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renderer
