"""The whole chain, of real programs: each troubled campaign's alert arrives once, and no other.

Simulator, exporter, Prometheus with the printed rules, Alertmanager with the example's routes, and
a receiver over HTTP. All of it lives eighty times as fast: the campaigns, and the times in the
rules and in both configurations alike. No test waits for a time: only for what must happen.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import yaml

from exporter.simulator import Account, Agent, Campaign, Simulator, demo_account, serve
from exporter.simulator.demo import PAUSED, SLOW
from tests.support.alertmanager import EXAMPLE, PLACEHOLDER, Receiver, alerting, receiving
from tests.support.process import PATIENCE, Process, run, started, write_config
from tests.support.programs import free_address
from tests.support.prometheus import INTERVAL, Prometheus, configured
from tests.support.speed import quickened, quickened_rules
from tests.support.tls import Door, door
from tools.docs.pages import ROOT

SPEED = 60.0

HALF_DAY = 43_200.0

CROWD = 30
"""How many of the thousand one-call batches there are, from both ends: with all of them, asking
for outcomes would take the time of other tests."""

FLAGS = ("--closed-for=1d", "--critical-within=1d")
"""The demo's campaigns closed up to eight hours ago, and two more will close within the day."""

LONG = 3 * PATIENCE
"""Seconds to wait for what takes half an hour in the campaigns' world."""


class Told(NamedTuple):
    """An alert of the scenario it is about; "" for one that is about no batch."""

    name: str
    severity: str
    scenario: str = ""


EXPECTED = {
    Told("BatchStalled", "critical", "stalled"): "wake",
    Told("BatchWillMissWindow", "warning", "stalled"): None,
    Told("BatchPaused", "warning", "paused"): "morning",
    Told("BatchPaused", "critical", "paused-late"): "wake",
    Told("BatchPaused", "warning", "paused-late"): None,
    Told("BatchWillMissWindow", "warning", "slow"): "morning",
    Told("BatchWillMissWindow", "critical", "slow-late"): "wake",
    Told("BatchWillMissWindow", "warning", "slow-late"): None,
    Told("BatchManyErrors", "warning", "errors"): "morning",
    Told("BatchClosedWithCallsLeft", "warning", "expired"): "morning",
    Told("BatchClosedWithCallsLeft", "warning", "closed"): "morning",
    Told("BatchNotStarted", "critical", "crowd-pending"): "wake",
    Told("BatchStalled", "critical", "crowd-pending"): None,
}
"""Every alert about a batch that ever fires, and where it arrives; None where another hides it."""

UNREACHABLE = Told("APIUnreachable", "warning")

OF_OUTAGE = {UNREACHABLE, Told("DataStale", "warning")}
"""What a long outage itself brings; the second after a while, and hidden."""

LONG_UNWATCHED = (
    f"min(time() - agent:ultravox_last_success_timestamp_seconds:max) > {900 / SPEED + 2}"
)
"""Nothing was learnt for longer than a batch must stand still to be stalled."""

ALL_DOWN = "max(ultravox_agent_up) == 0"


def troubled_account() -> Account:
    """Return the demo's account, less of its crowd, and two campaigns that close within the day."""
    late = {
        campaign.scenario: msgspec.structs.replace(
            campaign,
            batch_id=f"{campaign.scenario}-late",
            scenario=f"{campaign.scenario}-late",
            window_end=HALF_DAY,
        )
        for campaign in (PAUSED, SLOW)
    }
    demo = demo_account()
    return msgspec.structs.replace(demo, agents=tuple(_with(each, late) for each in demo.agents))


def _with(agent: Agent, late: dict[str, Campaign]) -> Agent:
    campaigns = agent.campaigns
    if campaigns and campaigns[0].scenario.startswith("crowd"):
        campaigns = campaigns[:CROWD] + campaigns[-CROWD:]
    further = [late[each.scenario] for each in campaigns if each.scenario in late]
    return msgspec.structs.replace(agent, campaigns=(*campaigns, *further))


class Chain:
    """The running programs, and what became of the alerts."""

    def __init__(self, account: Account, prometheus: Prometheus, receiver: Receiver) -> None:
        self._scenarios = {
            campaign.batch_id: campaign.scenario
            for agent in account.agents
            for campaign in agent.campaigns
        }
        self.prometheus = prometheus
        self.receiver = receiver

    def told(self, labels: dict[str, str]) -> Told:
        """Return what an alert with these labels is."""
        scenario = self._scenarios[labels["batch_id"]] if "batch_id" in labels else ""
        return Told(labels["alertname"].removeprefix("Ultravox"), labels["severity"], scenario)

    async def alerts(self, query: str) -> set[Told]:
        """Return the alerts of a query's result."""
        found = (await self.prometheus.get("query", query=query))["result"]
        return {self.told(each["metric"]) for each in found}

    async def firing(self) -> set[Told]:
        """Return the alerts about batches that fire now."""
        return await self.alerts('ALERTS{alertstate="firing",batch_id!=""}')

    async def ever(self) -> set[Told]:
        """Return every alert that fired at any time."""
        return await self.alerts('max_over_time(ALERTS{alertstate="firing"}[1h])')

    async def beginnings(self) -> dict[str, float]:
        """Return when each alert about a batch that fires began; a second beginning is another."""
        return await self.prometheus.series(
            'ALERTS_FOR_STATE{batch_id!=""} and ignoring (alertstate) ALERTS{alertstate="firing"}'
        )

    def arrived(self) -> set[tuple[Told, str]]:
        """Return what the receiver was told of, and where."""
        return {
            (self.told(alert["labels"]), alert["path"].strip("/"))
            for alert in self.receiver.alerts()
        }

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait until the condition holds."""
        try:
            async with asyncio.timeout(LONG):
                while not await condition():
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(await self.describe()) from None

    async def describe(self) -> str:
        """Return what is known, for a failing test."""
        active = await self.alerts("ALERTS")
        return json.dumps([sorted(active), sorted(await self.ever()), self.receiver.notifications])

    async def news(self) -> None:
        """Wait until each agent has succeeded once more, and the rules know."""
        now = time.time()
        await self.prometheus.until(
            f"(min(agent:ultravox_last_success_timestamp_seconds:max) > {now}) and"
            " min(min_over_time(ultravox_agent_up[1s])) == 1"
        )


@asynccontextmanager
async def chained(account: Account, folder: Path, exporter: Process) -> AsyncIterator[Chain]:
    """Run all but the exporter, which is scraped when it is ready."""
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receiving())
        routes = EXAMPLE.read_text().replace(PLACEHOLDER, receiver.url)
        path = written(folder / "alertmanager.yml", quickened(yaml.safe_load(routes), SPEED))
        alertmanager = await stack.enter_async_context(alerting(path))
        status, rules, problem = await run("rules", *FLAGS)
        assert status == 0, problem
        written(folder / "ultravox.rules.yml", quickened_rules(yaml.safe_load(rules), SPEED))
        await exporter.ready()
        target = (await exporter.url("")).removeprefix("http://")
        example = (ROOT / "prometheus" / "prometheus.example.yml").read_text()
        example = example.replace("localhost:10110", target)
        config = yaml.safe_load(example.replace("localhost:9093", alertmanager.address))
        config["global"] = dict.fromkeys(config["global"], f"{INTERVAL:g}s")
        path = written(folder / "prometheus.yml", config)
        prometheus = await stack.enter_async_context(configured(path))
        yield Chain(account, prometheus, receiver)


def written(path: Path, document: object) -> Path:
    """Write a YAML file."""
    path.write_text(yaml.safe_dump(document))
    return path


@asynccontextmanager
async def watched(account: Account, folder: Path) -> AsyncIterator[tuple[Path, Door]]:
    """Serve the account; yield the exporter's configuration for it and the door before it."""
    simulator = Simulator(account, speed=SPEED)
    polling = {"interval": "1s", "idle_interval": "2s", "full_listing_interval": "15s"}
    async with serve(simulator) as base_url, door(base_url) as entrance:
        path = write_config(
            folder,
            entrance.url,
            simulator.api_key,
            account={"discover": {}},
            polling=polling,
            batches={"outcomes": True, "outcomes_interval": "2s"},
        )
        yield path, entrance


async def test_each_troubled_campaign_is_told_of_once_and_no_other(tmp_path: Path) -> None:
    """Through a restart of the exporter and an outage of the API; a long one is told of."""
    account, address = troubled_account(), free_address()
    async with watched(account, tmp_path) as (path, entrance), AsyncExitStack() as stack:
        arguments = (f"--config.file={path}", f"--web.listen-address={address}")
        exporter = await stack.enter_async_context(started(*arguments))
        chain = await stack.enter_async_context(chained(account, tmp_path, exporter))
        await arrived(chain)
        began = await chain.beginnings()

        assert await exporter.stop() == 0
        await stack.enter_async_context(started(*arguments))
        await chain.news()

        await entrance.shut()
        await chain.prometheus.until(ALL_DOWN)
        await entrance.open()
        await chain.news()
        assert await chain.firing() == {*EXPECTED}
        assert await chain.beginnings() == began
        assert_told_once(chain)

        await entrance.shut()
        await chain.until(lambda: unreachable(chain))
        await chain.prometheus.until(LONG_UNWATCHED)
        assert await chain.ever() - OF_OUTAGE == {*EXPECTED}


async def arrived(chain: Chain) -> None:
    """Wait until all that is expected fires and arrives."""
    visible = {(told, place) for told, place in EXPECTED.items() if place}

    async def complete() -> bool:
        return await chain.firing() >= {*EXPECTED} and chain.arrived() >= visible

    await chain.until(complete)


async def unreachable(chain: Chain) -> bool:
    """Whether it is told that the API can't be reached, and so it is."""
    firing = await chain.alerts('ALERTS{alertstate="firing",batch_id=""}')
    return UNREACHABLE in firing and (UNREACHABLE, "morning") in chain.arrived()


def assert_told_once(chain: Chain) -> None:
    """Check that what concerns batches arrived where it should, once, and as firing."""
    batches = [alert for alert in chain.receiver.alerts() if "batch_id" in alert["labels"]]
    assert {alert["status"] for alert in batches} == {"firing"}
    times = Counter((alert["path"], alert["fingerprint"]) for alert in batches)
    assert {*times.values()} == {1}
    found = {(chain.told(alert["labels"]), alert["path"].strip("/")) for alert in batches}
    assert found == {(told, place) for told, place in EXPECTED.items() if place}
    crowd = [each for each in chain.receiver.notifications if "NotStarted" in each["groupKey"]]
    assert [len(each["alerts"]) for each in crowd] == [CROWD // 2]
