"""The composition root: builds the parts and runs them in one task group."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import structlog

from exporter.api.client import connect
from exporter.config import Config, Key
from exporter.metrics.instrumentation import Instrumentation
from exporter.polling.context import Context
from exporter.polling.heartbeat import Liveness
from exporter.polling.supervisor import announce, watch
from exporter.render.cache import ExpositionCache
from exporter.render.exposition import exposition, render_changes
from exporter.selection import SelectionSettings
from exporter.store import Store
from exporter.web.address import Address
from exporter.web.server import Site, application, listen

log = structlog.get_logger()

SHUTDOWN_LIMIT = 1.5
"""Seconds after which a process that was told to end does so without further ado."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decides besides the configuration."""

    addresses: tuple[Address, ...]
    telemetry_path: str = "/metrics"
    clock: Callable[[], float] = time.time
    on_listening: Callable[[list[Address]], None] = lambda _: None


async def run(config: Config, keys: Mapping[str, Key], options: Options) -> None:
    """Poll and serve for ever. `keys` are by account name. Raises ListenError."""
    store, liveness, own = Store(), Liveness(), Instrumentation()
    async with AsyncExitStack() as stack:
        contexts = []
        for account in config.accounts:
            connection = connect(account, keys[account.name], own, config.polling.timeout)
            client = await stack.enter_async_context(connection)
            context = Context(account, config, client, store, liveness, options.clock)
            announce(context)
            contexts.append(context)
        pages = ExpositionCache(SelectionSettings.of(config))
        site = Site(
            telemetry_path=options.telemetry_path,
            metrics=partial(exposition, store, pages, own, options.clock),
            overdue=liveness.overdue,
            ready=Readiness(config, store).reached,
        )
        addresses = await stack.enter_async_context(listen(application(site), options.addresses))
        for address in addresses:
            log.info("listening", address=str(address))
        options.on_listening(addresses)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(render_changes(store, pages, options.clock))
            for context in contexts:
                tasks.create_task(watch(context))


class Readiness:
    """Whether every agent has been polled once, well or ill. Once reached, it stays reached."""

    def __init__(self, config: Config, store: Store) -> None:
        self._discovering = [account.name for account in config.accounts if account.discover]
        self._store = store
        self._reached = False

    def reached(self) -> bool:
        """Return whether discovery has been tried and every agent then known has been polled."""
        self._reached = self._reached or self._now()
        return self._reached

    def _now(self) -> bool:
        tried = all(self._store.account(name).discovery for name in self._discovering)
        agents = self._store.snapshot().agents
        return tried and all(agent.health.up is not None for agent in agents)


async def until_told(work: Coroutine[None, None, None]) -> None:
    """Run `work` until it ends, or until SIGTERM or SIGINT ends it."""
    task = asyncio.ensure_future(work)

    def stop() -> None:
        # A thread that waits for a name server can't be cancelled, and the interpreter would wait.
        enforcer = threading.Timer(SHUTDOWN_LIMIT, os._exit, [0])
        enforcer.daemon = True
        enforcer.start()
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
