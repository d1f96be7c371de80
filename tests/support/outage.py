"""Accounts that are watched while something goes wrong: many of them by one exporter."""

import asyncio
import shlex
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
    """The samples of one scrape, sorted by account for those who look at one of many."""

    def __init__(self, found: Mapping[str, float]) -> None:
        super().__init__(found)
        self._accounts: dict[str, dict[str, float]] = {}
        for key, value in found.items():
            account = key.partition('account="')[2].partition('"')[0]
            self._accounts.setdefault(account, {})[key] = value

    def of(self, account: str) -> dict[str, float]:
        """Return the samples of an account."""
        return self._accounts.get(account, {})


class Watched:
    """A simulated account of its own, with one agent and one batch, and what is known of it.

    `entry` is its place in the configuration: `base_url` and whatever else may be changed before
    the exporter starts.
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
        """Put a fault in force."""
        return self.simulator.faults.add(Fault(effect=effect, path=path, times=times))

    def listings(self) -> int:
        """Return the number of requests for batches that came in."""
        asked = self.simulator.requests
        return sum(request.path.endswith("/scheduled_batches") for request in asked)

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
        """Return how many polls failed."""
        return self.total(found, "ultravox_agent_poll_failures_total", **labels)

    def polls(self, found: Scrape) -> float:
        """Return how many polls there were, well or ill."""
        return self.total(found, "ultravox_agent_polls_total")

    def is_up(self, found: Scrape) -> bool:
        """Whether every agent's last poll, and the account's last probe, succeeded."""
        agents = self.series(found, "ultravox_agent_up")
        return bool(agents) and {*agents, *self.series(found, "ultravox_account_up")} == {1}

    def is_down(self, found: Scrape) -> bool:
        """Whether every agent's last poll failed."""
        return {*self.series(found, "ultravox_agent_up")} == {0}

    def batches(self, found: Scrape) -> dict[str, float]:
        """Return the series that tell of batches: one by one and sums_by_state."""
        names = ("ultravox_batch_", "ultravox_agent_batches", "ultravox_agent_calls")
        return {key: value for key, value in found.of(self.name).items() if key.startswith(names)}


class Outage:
    """A started exporter and a view of it that many may watch at once."""

    def __init__(self, exporter: Process) -> None:
        self.exporter = exporter
        self._found = Scrape({})
        self._scraped = asyncio.Condition()

    async def scrape(self) -> None:
        """Scrape for ever, and show each scrape to all who wait."""
        while True:
            found = Scrape(await self.exporter.scrape())
            async with self._scraped:
                self._found = found
                self._scraped.notify_all()
            await asyncio.sleep(PAUSE)

    async def until(self, condition: Callable[[Scrape], object]) -> Scrape:
        """Return the first scrape from now on that meets the condition."""
        try:
            async with asyncio.timeout(PATIENCE), self._scraped:
                while True:
                    await self._scraped.wait()
                    if condition(self._found):
                        return self._found
        except TimeoutError:
            raise AssertionError(self.exporter.describe()) from None

    def lines(self, event: str, **fields: str) -> list[dict[str, str]]:
        """Return the log lines of an event with these fields so far."""
        found = (
            dict(word.partition("=")[::2] for word in shlex.split(line))
            for line in self.exporter.err.splitlines()
        )
        wanted = {"event": event, **fields}
        return [line for line in found if wanted.items() <= line.items()]

    async def said(self, event: str, **fields: str) -> dict[str, str]:
        """Return the last log line of an event with these fields, once there is one."""
        await eventually(lambda: self.lines(event, **fields), self.exporter.describe)
        return self.lines(event, **fields)[-1]


@asynccontextmanager
async def watching(
    folder: Path, *watched: Watched, env: Mapping[str, str] | None = None, **polling: str
) -> AsyncIterator[Outage]:
    """Serve the accounts' simulators and start one exporter on them all.

    An account that has a `base_url` already keeps it. Agents are polled every second.
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
