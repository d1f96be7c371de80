"""Short ways to make the records that tests are about."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from exporter.api.body import LargeBodies
from exporter.api.client import Client, connect
from exporter.config import Account, Agent, Batches, Config, Discover, Key, Polling, Secret
from exporter.polling.heartbeat import Heartbeat
from exporter.polling.job import Access, Run
from exporter.polling.poller import NAME_REFRESH, AgentPoller
from exporter.polling.supervisor import Supervisor
from exporter.simulator import Simulator
from exporter.store import Store

FAST = 1000.0
"""A rate limit, in requests a second, for which no test waits."""

LATE = 60.0
"""Seconds of a deadline that no test reaches."""

BATCHES = Batches()
POLLING = Polling(interval=30.0, idle_interval=120.0, timeout=5.0, stale_after=600.0)


class Clock:
    """A wall clock that a test moves. Seconds since the epoch."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Requests:
    """An observer that keeps what it counts.

    `seen` are (account, resource, code), `retries` the reasons of retries, `waited` is in seconds.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []
        self.retries: list[str] = []
        self.waited = 0.0

    def request(self, account: str, resource: str, code: str, seconds: float) -> None:
        """Keep one request."""
        assert seconds >= 0
        self.seen.append((account, resource, code))

    def retry(self, account: str, reason: str) -> None:
        """Keep the reason of one retry."""
        assert account
        self.retries.append(reason)

    def rate_limit_wait(self, account: str, seconds: float) -> None:
        """Add up the waiting."""
        assert account
        self.waited += seconds


def account(base_url: str, *agent_ids: str, discover: Discover | None = None) -> Account:
    """Return an account `main` at a base URL, with these agents."""
    return Account(
        "main",
        base_url=base_url,
        requests_per_second=FAST,
        api_key_env="KEY",
        agents=tuple(Agent(agent_id) for agent_id in agent_ids),
        discover=discover,
    )


@asynccontextmanager
async def client(
    simulator: Simulator, base_url: str, observer: Requests | None = None
) -> AsyncIterator[Client]:
    """Yield a client of a served simulator."""
    async with connecting(base_url, simulator.api_key, observer) as connected:
        yield connected


def connecting(
    base_url: str,
    key: str = "k",
    observer: Requests | None = None,
    *,
    poll_timeout: float = POLLING.timeout,
) -> AbstractAsyncContextManager[Client]:
    """Return a connection of an account `main` to a base URL."""
    made = account(base_url)
    return connect(
        made, Key("main", Secret(key)), observer or Requests(), poll_timeout, LargeBodies()
    )


@dataclass(frozen=True)
class Surroundings:
    """An account whose jobs a test runs: real client, real store."""

    config: Config
    access: Access
    heartbeat: Heartbeat
    supervisor: Supervisor

    @property
    def store(self) -> Store:
        """Return the store."""
        return self.access.store

    def poller(
        self, agent_id: str, *, ask_name: bool = False, name_refresh: float = NAME_REFRESH
    ) -> AgentPoller:
        """Return the job of an agent."""
        polling, batches = self.config.polling, self.config.batches
        return AgentPoller(
            self.access, agent_id, polling, batches, ask_name=ask_name, name_refresh=name_refresh
        )

    async def poll(self, agent_id: str) -> None:
        """Poll an agent once."""
        await self.poller(agent_id).run_once(Run())


@asynccontextmanager
async def surroundings(
    simulator: Simulator,
    account: Account,
    *,
    clock: Callable[[], float],
    polling: Polling = POLLING,
    batches: Batches = BATCHES,
) -> AsyncIterator[Surroundings]:
    """Yield an account's surroundings, its agents in the store and not polled yet."""
    config = Config((account,), polling, batches)
    key = Key(account.name, Secret(simulator.api_key))
    async with connect(account, key, Requests(), polling.timeout, LargeBodies()) as connected:
        access, heartbeat = Access(account.name, connected, Store(), clock), Heartbeat()
        supervisor = Supervisor(account, config, access, heartbeat)
        yield Surroundings(config, access, heartbeat, supervisor)
