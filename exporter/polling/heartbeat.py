"""What `/-/healthy` and `/-/ready` report: each job still runs, each agent has been polled once."""

import asyncio
from collections.abc import Callable

from exporter.config import Config
from exporter.store import Store

GRACE = 30.0
"""Seconds that a job may be late before it counts as hung: a loaded machine makes jobs late."""

LONGEST_WAIT = 15.0
"""Seconds after which the start counts as slow: what waits for readiness waits no longer."""


class Heartbeat:
    """Knows by when each job must report again; a job is late after `grace` seconds more.

    A job that raises ends the process by itself; this is for a job that hangs. Times are those of
    the event loop.
    """

    def __init__(self, grace: float = GRACE) -> None:
        self._grace = grace
        self._due: dict[str, float] = {}

    def expect(self, job: str, within: float) -> None:
        """Note that the job runs, and must report again within this number of seconds."""
        self._due[job] = asyncio.get_running_loop().time() + within + self._grace

    def forget(self, job: str) -> None:
        """Expect nothing more of the job."""
        self._due.pop(job, None)

    def overdue(self) -> list[str]:
        """Return the names of the jobs that hang."""
        now = asyncio.get_running_loop().time()
        return [job for job, due in self._due.items() if due < now]


class JobWatch:
    """Watches one job during its runs, which take at most `budget` seconds each."""

    def __init__(self, heartbeat: Heartbeat, job: str, budget: float) -> None:
        self._heartbeat = heartbeat
        self._job = job
        self._budget = budget

    def suspend(self) -> None:
        """Expect nothing of the job for now: a job that queues does not hang."""
        self._heartbeat.forget(self._job)

    def resume(self) -> None:
        """Expect the job to finish its run in time."""
        self._heartbeat.expect(self._job, self._budget)


class Readiness:
    """Whether every agent has been polled once, with success or not. Once true, it stays true."""

    def __init__(self, config: Config, store: Store) -> None:
        self._discovering = [account.name for account in config.accounts if account.discover]
        self._store = store
        self._reached = False

    def reached(self) -> bool:
        """Return whether discovery has run and every agent then known has been polled."""
        self._reached = self._reached or self._now()
        return self._reached

    async def call(self, callback: Callable[[], None], limit: float = LONGEST_WAIT) -> None:
        """Call the callback once when it is reached, at the latest after `limit` seconds."""
        clock = asyncio.get_running_loop().time
        ends = clock() + limit
        while not self.reached() and clock() < ends:  # noqa: ASYNC110 - the store has no event
            await asyncio.sleep(0.1)
        callback()

    def _now(self) -> bool:
        discovered = all(self._store.account(name).discovery for name in self._discovering)
        agents = self._store.snapshot().agents
        return discovered and all(agent.health.up is not None for agent in agents)
