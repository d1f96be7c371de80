"""Short ways to make the records that tests are about."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from exporter.api.client import Client, connect
from exporter.config import Account, Agent, Batches, Config, Discover, Key, Polling, Secret
from exporter.polling.context import Context
from exporter.polling.heartbeat import Liveness
from exporter.polling.supervisor import announce
from exporter.simulator import Simulator
from exporter.store import Store

FAST = 1000.0
"""A rate limit, in requests a second, that holds no test back."""

BATCHES = Batches()
POLLING = Polling(interval=30.0, idle_interval=120.0, timeout=5.0, stale_after=600.0)


class Clock:
    """A wall clock that moves when it is told to. Seconds since the epoch."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Requests:
    """An observer that keeps what it is told.

    `seen` are (account, endpoint, code), `again` the reasons of retries, `waited` is in seconds.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []
        self.again: list[str] = []
        self.waited = 0.0

    def request(self, account: str, endpoint: str, code: str, seconds: float) -> None:
        """Keep one request."""
        assert seconds >= 0
        self.seen.append((account, endpoint, code))

    def retry(self, account: str, reason: str) -> None:
        """Keep the reason of one retry."""
        assert account
        self.again.append(reason)

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
    return connect(made, Key("main", Secret(key)), observer or Requests(), poll_timeout)


@asynccontextmanager
async def context(
    simulator: Simulator,
    account: Account,
    *,
    clock: Callable[[], float],
    polling: Polling = POLLING,
    batches: Batches = BATCHES,
) -> AsyncIterator[Context]:
    """Yield an announced account's surroundings: real client, real store."""
    config = Config((account,), polling, batches)
    key = Key(account.name, Secret(simulator.api_key))
    async with connect(account, key, Requests(), polling.timeout) as connected:
        made = Context(account, config, connected, Store(), Liveness(), clock)
        announce(made)
        yield made
