"""Processor time of polls, rendering and scrapes, in this process and without HTTP."""

import gzip
import time
from statistics import median
from typing import NamedTuple

from prometheus_client import generate_latest

from benchmarks.contestants import registry
from benchmarks.load import SETTINGS, Load, poll
from exporter.metrics.instrumentation import Instrumentation
from exporter.render.cache import ExpositionCache
from exporter.render.exposition import exposition
from exporter.render.text import Format

LEVEL = 6
"""The level at which aiohttp compresses prometheus_client's exposition."""


class Processor(NamedTuple):
    """Median seconds of processor time.

    `ours` and `prometheus_client`: a poll of every agent, and one scrape. `everything`: rendering
    all agents. `one_percent`: rendering after a poll of one agent of a hundred.
    """

    ours: float
    prometheus_client: float
    everything: float
    one_percent: float


async def measure(batches: int, rounds: int) -> Processor:
    """Return the medians with this number of batches, contestants measured alternately."""
    load = Load(batches)
    bodies = [load.bodies(index) for index in range(len(load.keys))]
    ours, theirs = Ours(load, bodies), PrometheusClient(load, bodies)
    figures = []
    for number in range(1, rounds + 2):
        first = await ours.round(number)
        second = await theirs.round(number)
        rendering = await ours.rendering(number)
        figures.append((first, second, *rendering))
    # In the first round every batch is new, which is not the usual case.
    return Processor(*map(median, zip(*figures[1:], strict=True)))


class PrometheusClient:
    """The same polls, and prometheus_client's exposition."""

    def __init__(self, load: Load, bodies: list[list[bytes]]) -> None:
        self._load, self._bodies = load, bodies
        self._store = load.store()
        self._registry = registry(self._store)

    async def round(self, number: int) -> float:
        """Poll every agent and scrape once; return the seconds of processor time."""
        began = time.process_time()
        for key, bodies in zip(self._load.keys, self._bodies, strict=True):
            await poll(self._store, key, bodies, number)
        gzip.compress(generate_latest(self._registry), LEVEL)
        return time.process_time() - began


class Ours:
    """The exporter's polls and exposition; what a poll has changed is rendered at once."""

    def __init__(self, load: Load, bodies: list[list[bytes]]) -> None:
        self._load, self._bodies = load, bodies
        self._store = load.store()
        self._cache = ExpositionCache(SETTINGS)
        self._instrumentation = Instrumentation()

    async def round(self, number: int) -> float:
        """Poll every agent and scrape once; return the seconds of processor time."""
        began = time.process_time()
        for key, bodies in zip(self._load.keys, self._bodies, strict=True):
            await poll(self._store, key, bodies, number)
            await self._cache.update(self._store.agent(key), time.time())
        await self._scrape()
        return time.process_time() - began

    async def rendering(self, number: int) -> tuple[float, float]:
        """Return the seconds of processor time to render everything, and after one agent's poll.

        The counts of that agent's batches rise a second time in this round.
        """
        everything = await self._updates(ExpositionCache(SETTINGS))
        await poll(self._store, self._load.keys[0], self._bodies[0], number + 1)
        return everything, await self._updates(self._cache)

    async def _updates(self, cache: ExpositionCache) -> float:
        began = time.process_time()
        for agent in self._store.snapshot().agents:
            await cache.update(agent, time.time())
        return time.process_time() - began

    async def _scrape(self) -> bytes:
        body = await exposition(
            self._store,
            self._cache,
            self._instrumentation,
            time.time,
            Format.PROMETHEUS,
            gzip=True,
        )
        return b"".join([write async for write in body.writes()])
