"""Simulated accounts with faults, and one exporter that polls them all."""

import asyncio
import shlex
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import yaml

from exporter.simulator import Account
from tests.fake_api import Fault, Simulator, serve
from tests.fake_api import faults as f
from tests.support.process import FREE_PORT, PATIENCE, Process, eventually, started

LISTING = "/api/agents/*/scheduled_batches"
"""The path of the requests for batches, as a fault takes it."""

PAUSE = 0.2
"""Seconds between two scrapes."""


class Scrape(dict[str, float]):
    """The samples of one scrape, grouped by account.

    `ended` is when the response was complete, in seconds since the epoch: the exporter's data are
    those of this moment or earlier.
    """

    def __init__(self, found: Mapping[str, float], ended: float) -> None:
        super().__init__(found)
        self.ended = ended
        self._accounts: dict[str, dict[str, float]] = {}
        for key, value in found.items():
            account = key.partition('account="')[2].partition('"')[0]
            self._accounts.setdefault(account, {})[key] = value

    def of(self, account: str) -> dict[str, float]:
        """Return the samples of an account."""
        return self._accounts.get(account, {})


class Watched:
    """A simulated account with one agent and one batch, and questions about its series.

    `entry` is the account in the configuration: a test may change it before the exporter starts.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.simulator = Simulator(Account(name=name))
        self.agent = self.simulator.add_agent(f"Agent of {name}")
        self.batch = self.simulator.create(self.agent, total_count=10, completed_count=3)
        self.entry: dict[str, object] = {
            "name": name,
            "api_key_file": f"{name}.key",
            "requests_per_second": 200,
            "agents": [{"id": self.agent, "name": name}],
        }

    def add_fault(self, effect: f.Effect, path: str = "*", times: int | None = None) -> f.Handle:
        """Add a fault, and return its handle."""
        return self.simulator.faults.add(Fault(effect=effect, path=path, times=times))

    def listings(self) -> int:
        """Return the number of requests for pages of batches that the simulator received."""
        received = self.simulator.requests
        return sum(request.path.endswith("/scheduled_batches") for request in received)

    def series(self, found: Scrape, metric: str, **labels: str) -> list[float]:
        """Return the values of the account's series of a metric that have these labels."""
        wanted = [f'{name}="{value}"' for name, value in labels.items()]
        return [
            value
            for key, value in found.of(self.name).items()
            if key.startswith(metric + "{") and all(each in key for each in wanted)
        ]

    def total(self, found: Scrape, metric: str, **labels: str) -> float:
        """Return the sum over those series, 0 without any."""
        return sum(self.series(found, metric, **labels))

    def failures(self, found: Scrape, **labels: str) -> float:
        """Return the number of failed polls."""
        return self.total(found, "ultravox_agent_poll_failures_total", **labels)

    def polls(self, found: Scrape) -> float:
        """Return the number of polls, successful and failed."""
        return self.total(found, "ultravox_agent_polls_total")

    def is_up(self, found: Scrape) -> bool:
        """Return whether the last poll of every agent and the last account probe succeeded."""
        agents = self.series(found, "ultravox_agent_up")
        return bool(agents) and {*agents, *self.series(found, "ultravox_account_up")} == {1}

    def is_down(self, found: Scrape) -> bool:
        """Return whether the last poll of every agent failed."""
        return {*self.series(found, "ultravox_agent_up")} == {0}

    def batches(self, found: Scrape) -> dict[str, float]:
        """Return the series about batches: those of single batches, and the sums of agents."""
        names = ("ultravox_batch_", "ultravox_agent_batches", "ultravox_agent_calls")
        return {key: value for key, value in found.of(self.name).items() if key.startswith(names)}


class Outage:
    """A started exporter, and scrapes of it that many tasks may wait for at once."""

    def __init__(self, exporter: Process) -> None:
        self.exporter = exporter
        self._found = Scrape({}, 0.0)
        self._scraped = asyncio.Condition()

    async def scrape(self) -> None:
        """Scrape until cancelled, and give each scrape to all tasks that wait for one."""
        while True:
            found = Scrape(await self.exporter.scrape(), time.time())
            async with self._scraped:
                self._found = found
                self._scraped.notify_all()
            await asyncio.sleep(PAUSE)

    async def until(self, condition: Callable[[Scrape], object]) -> Scrape:
        """Return the first of the next scrapes that meets the condition."""
        try:
            async with asyncio.timeout(PATIENCE), self._scraped:
                while True:
                    await self._scraped.wait()
                    if condition(self._found):
                        return self._found
        except TimeoutError:
            raise AssertionError(self.exporter.describe()) from None

    def lines(self, **fields: str) -> list[dict[str, str]]:
        """Return the log lines so far that have these fields, `event` and `level` among them."""
        found = (
            dict(word.partition("=")[::2] for word in shlex.split(line))
            for line in self.exporter.err.splitlines()
        )
        return [line for line in found if fields.items() <= line.items()]

    async def logged(self, event: str, **fields: str) -> dict[str, str]:
        """Wait for a log line with this event and these fields, and return the last of them."""
        await eventually(lambda: self.lines(event=event, **fields), self.exporter.describe)
        return self.lines(event=event, **fields)[-1]


@asynccontextmanager
async def watching(
    folder: Path, *watched: Watched, env: Mapping[str, str] | None = None, **polling: str
) -> AsyncIterator[Outage]:
    """Serve the simulators of the accounts, and start one exporter that polls them all.

    An account that has a `base_url` keeps it. Agents are polled every second.
    """
    async with AsyncExitStack() as stack:
        for each in watched:
            (folder / f"{each.name}.key").write_text(each.simulator.api_key)
            if "base_url" not in each.entry:
                each.entry["base_url"] = await stack.enter_async_context(serve(each.simulator))
        path = folder / "config.yaml"
        quick = {"interval": "1s", "idle_interval": "1s", "timeout": "20s"}
        accounts = [each.entry for each in watched]
        path.write_text(yaml.safe_dump({"accounts": accounts, "polling": quick | polling}))
        flags = (f"--config.file={path}", FREE_PORT, "--log.level=debug")
        exporter = await stack.enter_async_context(started(*flags, env=env))
        outage = Outage(exporter)
        scraping = asyncio.create_task(outage.scrape())
        try:
            yield outage
        finally:
            scraping.cancel()
            await asyncio.wait([scraping])
