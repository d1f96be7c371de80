"""The whole chain of real programs: each troubled campaign is notified once, and no other.

Simulator, exporter, Prometheus with the printed rules, Alertmanager with the example's routes, and
a receiver over HTTP. Everything runs sixty times as fast: the campaigns, and the times in the rules
and in both configurations. No test waits for a fixed time: each waits for what must happen.
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
"""Batches of one call that are simulated, from both ends of the thousand: the call status of all of
them would take too many requests."""

FLAGS = ("--closed-for=1d", "--critical-within=1d")
"""The demo's campaigns closed up to eight hours ago, and two more will close within the day."""

LONG = 3 * PATIENCE
"""Seconds to wait for what takes half an hour in the campaigns' world."""


class Fired(NamedTuple):
    """An alert, and the scenario of its batch; "" for an alert that is about no batch."""

    name: str
    severity: str
    scenario: str = ""


EXPECTED = {
    Fired("BatchStalled", "critical", "stalled"): "on-call",
    Fired("BatchWillMissWindow", "warning", "stalled"): None,
    Fired("BatchPaused", "warning", "paused"): "morning",
    Fired("BatchPaused", "critical", "paused-late"): "on-call",
    Fired("BatchPaused", "warning", "paused-late"): None,
    Fired("BatchWillMissWindow", "warning", "slow"): "morning",
    Fired("BatchWillMissWindow", "critical", "slow-late"): "on-call",
    Fired("BatchWillMissWindow", "warning", "slow-late"): None,
    Fired("BatchManyErrors", "warning", "errors"): "morning",
    Fired("BatchClosedWithCallsLeft", "warning", "expired"): "morning",
    Fired("BatchClosedWithCallsLeft", "warning", "closed"): "morning",
    Fired("BatchNotStarted", "critical", "crowd-pending"): "on-call",
    Fired("BatchStalled", "critical", "crowd-pending"): None,
}
"""Every alert about a batch that ever fires, and where it arrives; None where another hides it."""

UNREACHABLE = Fired("APIUnreachable", "warning")

OF_OUTAGE = {UNREACHABLE, Fired("DataStale", "warning")}
"""What a long outage itself brings; the second after a while, and hidden."""

LONG_UNWATCHED = (
    f"min(time() - agent:ultravox_last_success_timestamp_seconds:max) > {900 / SPEED + 2}"
)
"""No poll has succeeded for longer than a batch must make no progress to be stalled."""

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

    def fired(self, labels: dict[str, str]) -> Fired:
        """Return what an alert with these labels is."""
        scenario = self._scenarios[labels["batch_id"]] if "batch_id" in labels else ""
        return Fired(labels["alertname"].removeprefix("Ultravox"), labels["severity"], scenario)

    async def alerts(self, query: str) -> set[Fired]:
        """Return the alerts of a query's result."""
        found = (await self.prometheus.get("query", query=query))["result"]
        return {self.fired(each["metric"]) for each in found}

    async def firing(self) -> set[Fired]:
        """Return the alerts about batches that fire now."""
        return await self.alerts('ALERTS{alertstate="firing",batch_id!=""}')

    async def ever(self) -> set[Fired]:
        """Return every alert that fired at any time."""
        return await self.alerts('max_over_time(ALERTS{alertstate="firing"}[1h])')

    async def beginnings(self) -> dict[str, float]:
        """Return when each alert about a batch that fires began; a second beginning is another."""
        return await self.prometheus.series(
            'ALERTS_FOR_STATE{batch_id!=""} and ignoring (alertstate) ALERTS{alertstate="firing"}'
        )

    def arrived(self) -> set[tuple[Fired, str]]:
        """Return the alerts that the receiver got, and at which path."""
        return {
            (self.fired(alert["labels"]), alert["path"].strip("/"))
            for alert in self.receiver.alerts()
        }

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait until the condition is true."""
        try:
            async with asyncio.timeout(LONG):
                while not await condition():
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(await self.describe()) from None

    async def describe(self) -> str:
        """Return the state, for the message of a failing test."""
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
        example = (ROOT / "prometheus" / "examples" / "prometheus.yml").read_text()
        example = example.replace("localhost:10110", target)
        config = yaml.safe_load(example.replace("localhost:9093", alertmanager.address))
        config["global"] = dict.fromkeys(config["global"], f"{INTERVAL:g}s")
        path = written(folder / "examples" / "prometheus.yml", config)
        prometheus = await stack.enter_async_context(configured(path))
        yield Chain(account, prometheus, receiver)


def written(path: Path, document: object) -> Path:
    """Write a YAML file, and return its path."""
    path.parent.mkdir(exist_ok=True)
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


async def test_each_troubled_campaign_is_notified_once_and_no_other(tmp_path: Path) -> None:
    """A restart and a short outage of the API change nothing; a long outage is notified."""
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
        assert_notified_once(chain)

        await entrance.shut()
        await chain.until(lambda: unreachable(chain))
        await chain.prometheus.until(LONG_UNWATCHED)
        assert await chain.ever() - OF_OUTAGE == {*EXPECTED}


async def arrived(chain: Chain) -> None:
    """Wait until all that is expected fires and arrives."""
    visible = {(alert, place) for alert, place in EXPECTED.items() if place}

    async def complete() -> bool:
        return await chain.firing() >= {*EXPECTED} and chain.arrived() >= visible

    await chain.until(complete)


async def unreachable(chain: Chain) -> bool:
    """Return whether the alert about the outage fires and has arrived."""
    firing = await chain.alerts('ALERTS{alertstate="firing",batch_id=""}')
    return UNREACHABLE in firing and (UNREACHABLE, "morning") in chain.arrived()


def assert_notified_once(chain: Chain) -> None:
    """Check that each alert about a batch arrived at its receiver, once, and as firing."""
    batches = [alert for alert in chain.receiver.alerts() if "batch_id" in alert["labels"]]
    assert {alert["status"] for alert in batches} == {"firing"}
    times = Counter((alert["path"], alert["fingerprint"]) for alert in batches)
    assert {*times.values()} == {1}
    found = {(chain.fired(alert["labels"]), alert["path"].strip("/")) for alert in batches}
    assert found == {(alert, place) for alert, place in EXPECTED.items() if place}
    crowd = [each for each in chain.receiver.notifications if "NotStarted" in each["groupKey"]]
    assert [len(each["alerts"]) for each in crowd] == [CROWD // 2]
