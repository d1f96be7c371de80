"""The composition root: builds the packages and runs them in one task group."""

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

from exporter.api.body import LargeBodies
from exporter.api.client import connect
from exporter.config import Config, Key
from exporter.metrics.instrumentation import Instrumentation
from exporter.polling.heartbeat import Heartbeat, Readiness
from exporter.polling.job import Access
from exporter.polling.supervisor import Supervisor
from exporter.render.cache import ExpositionCache
from exporter.render.exposition import exposition, render_changes
from exporter.selection import SelectionSettings
from exporter.store import Store
from exporter.web.address import Address
from exporter.web.server import Site, application, listen

log = structlog.get_logger()

SHUTDOWN_LIMIT = 1.5
"""Seconds after a signal at which the process ends, whatever still runs."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decides besides the configuration.

    `log_lines_dropped` returns the number of log lines dropped since the start.
    """

    addresses: tuple[Address, ...]
    telemetry_path: str = "/metrics"
    clock: Callable[[], float] = time.time
    log_lines_dropped: Callable[[], int] = lambda: 0
    on_listening: Callable[[list[Address]], None] = lambda _: None
    on_ready: Callable[[list[Address]], None] = lambda _: None


async def run(config: Config, keys: Mapping[str, Key], options: Options) -> None:
    """Poll and serve until cancelled. `keys` are by account name. Raises ListenError."""
    store, heartbeat = Store(), Heartbeat()
    own = Instrumentation(options.log_lines_dropped)
    bodies = LargeBodies()
    async with AsyncExitStack() as stack:
        supervisors = []
        for account in config.accounts:
            connection = connect(account, keys[account.name], own, config.polling.timeout, bodies)
            client = await stack.enter_async_context(connection)
            access = Access(account.name, client, store, options.clock)
            supervisors.append(Supervisor(account, config, access, heartbeat))
        readiness = Readiness(config, store)
        pages = ExpositionCache(SelectionSettings.of(config))
        site = Site(
            telemetry_path=options.telemetry_path,
            metrics=partial(exposition, store, pages, own, options.clock),
            overdue=heartbeat.overdue,
            ready=readiness.reached,
        )
        addresses = await stack.enter_async_context(listen(application(site), options.addresses))
        for address in addresses:
            log.info("listening", address=str(address))
        options.on_listening(addresses)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(render_changes(store, pages, options.clock))
            tasks.create_task(readiness.call(partial(options.on_ready, addresses)))
            for supervisor in supervisors:
                tasks.create_task(supervisor.run())


async def run_until_signal(work: Coroutine[None, None, None]) -> None:
    """Run `work` until it ends, or until SIGTERM or SIGINT cancels it; SIGHUP changes nothing."""
    task = asyncio.ensure_future(work)

    def stop() -> None:
        # The interpreter waits for its threads, and one that asks a name server can't be cancelled.
        enforcer = threading.Timer(SHUTDOWN_LIMIT, os._exit, [0])
        enforcer.daemon = True
        enforcer.start()
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, _log_reload_signal)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    await asyncio.wait([task])
    # The handler ends with the event loop. A SIGHUP after that must not change the exit status.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    if not task.cancelled():
        task.result()


def _log_reload_signal() -> None:
    problem = "the configuration is read at the start only: restart the exporter"
    log.warning("reload_signal_ignored", signal="SIGHUP", problem=problem)
