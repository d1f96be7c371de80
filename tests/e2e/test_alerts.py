"""The whole chain of real programs: the alert of each troubled campaign arrives once, and no other.

Simulator, exporter, Prometheus with the printed rules, Alertmanager with the routes of the example,
and a receiver over HTTP. Everything runs SPEED times as fast: the campaigns, and the times in the
rules and in both configurations. The test waits for events, never for a fixed time.
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
from tests.support.speed import faster, faster_rules
from tests.support.tls import Door, door
from tools.docs.pages import ROOT

SPEED = 60.0

HALF_DAY = 43_200.0

CROWD = 30
"""Number of one-call batches taken from each end of the thousand: with all of them, the requests
for call status would take too long."""

FLAGS = ("--closed-for=1d", "--critical-within=1d")
"""The demo's campaigns closed up to eight hours ago, and two others close within a day."""

LONG = 3 * PATIENCE
"""Seconds to wait for what takes half an hour of the campaigns' time."""


class Notice(NamedTuple):
    """An alert about a scenario; its scenario is "" where it is about no batch."""

    name: str
    severity: str
    scenario: str = ""


EXPECTED = {
    Notice("BatchStalled", "critical", "stalled"): "on-call",
    Notice("BatchWillMissWindow", "warning", "stalled"): None,
    Notice("BatchPaused", "warning", "paused"): "team",
    Notice("BatchPaused", "critical", "paused-late"): "on-call",
    Notice("BatchPaused", "warning", "paused-late"): None,
    Notice("BatchWillMissWindow", "warning", "slow"): "team",
    Notice("BatchWillMissWindow", "critical", "slow-late"): "on-call",
    Notice("BatchWillMissWindow", "warning", "slow-late"): None,
    Notice("BatchManyErrors", "warning", "errors"): "team",
    Notice("BatchClosedWithCallsLeft", "warning", "expired"): "team",
    Notice("BatchClosedWithCallsLeft", "warning", "closed"): "team",
    Notice("BatchNotStarted", "critical", "crowd-pending"): "on-call",
    Notice("BatchStalled", "critical", "crowd-pending"): None,
}
"""Every alert about a batch that fires, and its receiver; None where another alert hides it."""

UNREACHABLE = Notice("APIUnreachable", "warning")

IN_OUTAGE = {UNREACHABLE, Notice("DataStale", "warning")}
"""The alerts that a long outage causes; the second starts later, and is hidden."""

UNOBSERVED = f"min(time() - agent:ultravox_last_success_timestamp_seconds:max) > {900 / SPEED + 2}"
"""No poll succeeded for longer than a batch must be without progress to be stalled."""

ALL_DOWN = "max(ultravox_agent_up) == 0"


def troubled_account() -> Account:
    """Return the demo's account with fewer batches, and two campaigns that close within a day."""
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
    """The running programs, and the alerts that fire and arrive."""

    def __init__(self, account: Account, prometheus: Prometheus, receiver: Receiver) -> None:
        self._scenarios = {
            campaign.batch_id: campaign.scenario
            for agent in account.agents
            for campaign in agent.campaigns
        }
        self.prometheus = prometheus
        self.receiver = receiver

    def notice(self, labels: dict[str, str]) -> Notice:
        """Return the alert with these labels."""
        scenario = self._scenarios[labels["batch_id"]] if "batch_id" in labels else ""
        return Notice(labels["alertname"].removeprefix("Ultravox"), labels["severity"], scenario)

    async def alerts(self, query: str) -> set[Notice]:
        """Return the alerts in a query's result."""
        found = (await self.prometheus.get("query", query=query))["result"]
        return {self.notice(each["metric"]) for each in found}

    async def firing(self) -> set[Notice]:
        """Return the alerts about batches that are firing."""
        return await self.alerts('ALERTS{alertstate="firing",batch_id!=""}')

    async def ever(self) -> set[Notice]:
        """Return every alert that has fired at any time."""
        return await self.alerts('max_over_time(ALERTS{alertstate="firing"}[1h])')

    async def started_at(self) -> dict[str, float]:
        """Return since when each alert about a batch fires; a restart of the alert changes it."""
        return await self.prometheus.series(
            'ALERTS_FOR_STATE{batch_id!=""} and ignoring (alertstate) ALERTS{alertstate="firing"}'
        )

    def arrived(self) -> set[tuple[Notice, str]]:
        """Return the alerts that arrived, and their receivers."""
        return {
            (self.notice(alert["labels"]), alert["path"].strip("/"))
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
        """Return the alerts and notifications, for the message of a failing test."""
        active = await self.alerts("ALERTS")
        return json.dumps([sorted(active), sorted(await self.ever()), self.receiver.notifications])

    async def polled_again(self) -> None:
        """Wait until each agent was polled once more, and the rules have the result."""
        now = time.time()
        await self.prometheus.until(
            f"(min(agent:ultravox_last_success_timestamp_seconds:max) > {now}) and"
            " min(min_over_time(ultravox_agent_up[1s])) == 1"
        )


@asynccontextmanager
async def chained(account: Account, folder: Path, exporter: Process) -> AsyncIterator[Chain]:
    """Run all programs except the exporter, which is scraped once it is ready."""
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receiving())
        routes = EXAMPLE.read_text().replace(PLACEHOLDER, receiver.url)
        path = write_yaml(folder / "alertmanager.yml", faster(yaml.safe_load(routes), SPEED))
        alertmanager = await stack.enter_async_context(alerting(path))
        status, rules, problem = await run("rules", *FLAGS)
        assert status == 0, problem
        write_yaml(folder / "ultravox.rules.yml", faster_rules(yaml.safe_load(rules), SPEED))
        await exporter.ready()
        target = (await exporter.url("")).removeprefix("http://")
        example = (ROOT / "prometheus" / "examples" / "prometheus.yml").read_text()
        example = example.replace("localhost:10110", target)
        config = yaml.safe_load(example.replace("localhost:9093", alertmanager.address))
        config["rule_files"] = ["ultravox.rules.yml"]
        config["global"] = dict.fromkeys(config["global"], f"{INTERVAL:g}s")
        path = write_yaml(folder / "prometheus.yml", config)
        prometheus = await stack.enter_async_context(configured(path))
        yield Chain(account, prometheus, receiver)


def write_yaml(path: Path, document: object) -> Path:
    """Write a YAML file; return its path."""
    path.write_text(yaml.safe_dump(document))
    return path


@asynccontextmanager
async def simulated(account: Account, folder: Path) -> AsyncIterator[tuple[Path, Door]]:
    """Serve the account; yield the exporter's configuration, and the door in front of the API."""
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


async def test_each_troubled_campaign_has_its_alert_once_and_no_other(
    tmp_path: Path,
) -> None:
    """A restart and a short outage change no alert; a long outage has an alert of its own."""
    account, address = troubled_account(), free_address()
    async with simulated(account, tmp_path) as (path, entrance), AsyncExitStack() as stack:
        arguments = (f"--config.file={path}", f"--web.listen-address={address}")
        exporter = await stack.enter_async_context(started(*arguments))
        chain = await stack.enter_async_context(chained(account, tmp_path, exporter))
        await until_arrived(chain)
        started_before = await chain.started_at()

        assert await exporter.stop() == 0
        await stack.enter_async_context(started(*arguments))
        await chain.polled_again()

        await entrance.shut()
        await chain.prometheus.until(ALL_DOWN)
        await entrance.open()
        await chain.polled_again()
        assert await chain.firing() == {*EXPECTED}
        assert await chain.started_at() == started_before
        assert_arrived_once(chain)

        await entrance.shut()
        await chain.until(lambda: unreachable(chain))
        await chain.prometheus.until(UNOBSERVED)
        assert await chain.ever() - IN_OUTAGE == {*EXPECTED}


async def until_arrived(chain: Chain) -> None:
    """Wait until every expected alert fires and has arrived."""
    visible = {(notice, receiver) for notice, receiver in EXPECTED.items() if receiver}

    async def complete() -> bool:
        return await chain.firing() >= {*EXPECTED} and chain.arrived() >= visible

    await chain.until(complete)


async def unreachable(chain: Chain) -> bool:
    """Return whether the alert about the unreachable API fires and has arrived."""
    firing = await chain.alerts('ALERTS{alertstate="firing",batch_id=""}')
    return UNREACHABLE in firing and (UNREACHABLE, "team") in chain.arrived()


def assert_arrived_once(chain: Chain) -> None:
    """Assert that each alert about a batch arrived once, firing, at its receiver."""
    batches = [alert for alert in chain.receiver.alerts() if "batch_id" in alert["labels"]]
    assert {alert["status"] for alert in batches} == {"firing"}
    times = Counter((alert["path"], alert["fingerprint"]) for alert in batches)
    assert {*times.values()} == {1}
    found = {(chain.notice(alert["labels"]), alert["path"].strip("/")) for alert in batches}
    assert found == {(notice, receiver) for notice, receiver in EXPECTED.items() if receiver}
    crowd = [each for each in chain.receiver.notifications if "NotStarted" in each["groupKey"]]
    assert [len(each["alerts"]) for each in crowd] == [CROWD // 2]
