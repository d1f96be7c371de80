"""Long work lets other tasks run."""

import asyncio
import math
from collections.abc import Coroutine

from exporter.config import Batches, Polling
from exporter.metrics.agent import AGENT_METRICS
from exporter.metrics.batch import BATCH_METRICS
from exporter.model import Agent, AgentSnapshot, Batch, Listing, PollHealth, Snapshot
from exporter.render.cache import BATCHES_PER_CHECKPOINT, ExpositionCache
from exporter.render.checkpoint import Checkpoint
from exporter.render.chunk import RenderLimits
from exporter.render.gzip_stream import FRAGMENTS_PER_CHECKPOINT, Body, Fragment, gzipped, plain
from exporter.render.text import Format
from exporter.selection import SelectionSettings

BATCHES = 20_000
SHOWN = 15_000
LARGE = AgentSnapshot(
    Agent("main", "a", "A"),
    PollHealth(30.0, up=True, last_success=1000.0),
    Listing(
        tuple(
            Batch(f"{number:036}", created=900.0, total=9, completed=1, window_end=2000.0 + number)
            for number in range(BATCHES)
        ),
        pages=200,
    ),
)
ALWAYS = RenderLimits(work_limit=0.0)
"""Other tasks run at every checkpoint, however fast the machine is."""

CHUNKS = SHOWN // ALWAYS.chunk_batches


async def other_runs(work: Coroutine[object, object, object]) -> int:
    """Return how many times another task ran before the work was done."""
    task, runs = asyncio.create_task(work), 0
    while not task.done():
        runs += 1
        await asyncio.sleep(0)
    await task
    return runs


async def write_all(body: Body) -> None:
    """Take every write of a body."""
    async for _ in body.writes():
        pass


async def test_other_tasks_run_while_a_large_agent_is_rendered_and_scraped() -> None:
    cache = ExpositionCache(SelectionSettings(Polling(), Batches(max_per_agent=SHOWN)), ALWAYS)
    snapshot = Snapshot(agents=(LARGE,))
    selecting, rendering = BATCHES / BATCHES_PER_CHECKPOINT, BATCHES / ALWAYS.chunk_batches
    assert await other_runs(cache.update(LARGE, 1000.0)) >= selecting + rendering
    scraping = CHUNKS + len(BATCH_METRICS) + len(AGENT_METRICS)
    assert await other_runs(cache.texts(snapshot, 1001.0, Format.PROMETHEUS)) >= scraping
    texts = await cache.texts(snapshot, 1001.0, Format.PROMETHEUS)
    deflated = sum(isinstance(text, Fragment) for text in texts)
    compressing = deflated / FRAGMENTS_PER_CHECKPOINT
    assert await other_runs(gzipped(texts, ALWAYS.work_limit)) >= compressing > 1
    writes = len([write async for write in plain(texts).writes()])
    assert await other_runs(write_all(plain(texts, ALWAYS.work_limit))) >= writes > 1


async def test_other_tasks_do_not_run_before_the_limit() -> None:
    checkpoint = Checkpoint(math.inf)

    async def short_work() -> None:
        for _ in range(10):
            await checkpoint.reached()

    assert await other_runs(short_work()) == 1
