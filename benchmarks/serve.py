"""One contestant as a process of its own: `python -m benchmarks.serve NAME BATCHES [FILE]`.

It prints its port, and serves until it is terminated. `busy` is ours while all agents are polled
repeatedly; it returns at /longest the longest delay of its event loop since the last request.
"""

import asyncio
import sys
import time
from pathlib import Path

from aiohttp import web

from benchmarks import contestants
from benchmarks.load import SETTINGS, Load, filled, poll
from exporter.render.cache import ExpositionCache
from exporter.render.exposition import render_changes
from exporter.store import Store
from exporter.web.address import Address
from exporter.web.server import listen

TICK = 0.001
"""Seconds of one sleep of the watcher."""

PAUSE = 0.05
"""Seconds between two polls: a hundred agents are polled in about five seconds, not in thirty."""


class Watcher:
    """Measures by how many seconds a short sleep is too long: in wall and in processor time.

    Processor time excludes the work of other processes on the machine.
    """

    def __init__(self) -> None:
        self._longest = (0.0, 0.0)

    async def watch(self) -> None:
        """Sleep and read the clocks, until cancelled."""
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            await asyncio.sleep(TICK)
            late = (time.perf_counter() - wall - TICK, time.process_time() - cpu)
            self._longest = (max(self._longest[0], late[0]), max(self._longest[1], late[1]))

    async def respond(self, _request: web.Request) -> web.Response:
        """Return the longest delays in seconds, and start again from 0."""
        (wall, cpu), self._longest = self._longest, (0.0, 0.0)
        return web.json_response([wall, cpu])


async def _poll_repeatedly(store: Store, load: Load, bodies: list[list[bytes]]) -> None:
    number = 1
    while True:
        number += 1
        for key, pages in zip(load.keys, bodies, strict=True):
            await poll(store, key, pages, number)
            await asyncio.sleep(PAUSE)


async def _serve(app: web.Application) -> None:
    async with listen(app, (Address("127.0.0.1", 0),)) as (address,):
        sys.stdout.write(f"{address.port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def _ours(load: Load, *, busy: bool) -> None:
    store, cache, watcher = await filled(load), ExpositionCache(SETTINGS), Watcher()
    bodies = [load.bodies(index) for index in range(len(load.keys))] if busy else []
    for agent in store.snapshot().agents:
        await cache.update(agent, time.time())
    app = contestants.ours(store, cache)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(render_changes(store, cache, time.time))
        if busy:
            app.router.add_get("/longest", watcher.respond)
            tasks.create_task(watcher.watch())
            tasks.create_task(_poll_repeatedly(store, load, bodies))
        await _serve(app)


async def main(name: str, batches: int, file: str) -> None:
    """Serve a contestant; `file` has the body of the contestant `finished`."""
    load = Load(batches)
    if name == "finished":
        await _serve(contestants.finished(await asyncio.to_thread(Path(file).read_bytes)))
    elif name == "prometheus_client":
        await _serve(contestants.prometheus_client(await filled(load)))
    else:
        await _ours(load, busy=name == "busy")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
