"""The demo, scraped by a real Prometheus: every series that is promised, none that is not."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.simulator import DEFAULT_KEY, Account, demo_account
from tests.support.process import FREE_PORT, Process, started
from tests.support.programs import require
from tests.support.prometheus import INTERVAL, Prometheus, scraping
from tests.support.truth import Record, agent_sums, batch_series, kept, state

Truth = dict[str, list[Record]]
"""The API's rows, by agent."""

MOVING = (
    "ultravox_batch_calls_completed",
    "ultravox_batch_calls_remaining",
    "ultravox_agent_calls_completed",
    "ultravox_batch_window_remaining_seconds",
)
"""What goes on between two looks."""

TRIES = 20
"""Looks for a moment at which nothing changes: the demo's batches change every few seconds."""


async def rows(exporter: Process) -> Truth:
    """Return every batch of every agent, from the API that the demo polls."""
    found = re.search(r"simulated Ultravox API +(\S+)", exporter.out)
    assert found is not None
    truth: Truth = {}
    headers = {"X-API-Key": DEFAULT_KEY}
    async with aiohttp.ClientSession(found[1], headers=headers) as api:
        for agent in await results(api, "/api/agents"):
            path = f"/api/agents/{agent['agentId']}/scheduled_batches"
            truth[agent["agentId"]] = await results(api, path)
    return truth


async def results(api: aiohttp.ClientSession, path: str) -> list[Any]:
    """Return the rows of every page."""
    found: list[Any] = []
    url: str | None = f"{path}?pageSize=100"
    while url:
        async with api.get(url) as response:
            page = await response.json()
        found += page["results"]
        url = page.get("next")
    return found


def promised(truth: Truth, now: float) -> dict[str, float]:
    """Return the series of all batches and sums that the page should have at a time."""
    series: dict[str, float] = {}
    for agent_id, all_rows in truth.items():
        shown = kept(all_rows, now)
        series |= agent_sums("demo", agent_id, shown, now)
        for row in shown:
            series |= batch_series("demo", agent_id, row, now)
    return series


def batches_with_series(found: dict[str, float]) -> dict[str, float]:
    """Return the series that `promised` is about."""
    pattern = r"ultravox_(batch_(?!last_progress)|agent_(batches|calls|calls_completed)\{)"
    return {name: value for name, value in found.items() if re.match(pattern, name)}


def canonical(name: str) -> str:
    """Return a series as Prometheus gives it: labels in order of name, without the empty ones."""
    head, _, labels = name.partition("{")
    pairs = ",".join(sorted(re.findall(r'[a-z_]+="[^"]+"', labels)))
    return f"{head}{{{pairs}}}"


def assert_within(
    found: dict[str, float], before: dict[str, float], after: dict[str, float]
) -> None:
    """Check that values that move lie between two looks, and that the others are equal."""
    assert found.keys() == before.keys() == after.keys()
    for name, value in found.items():
        low, high = sorted((before[name], after[name]))
        if name.startswith(MOVING):
            assert low <= value <= high, name
        else:
            assert low == value == high, name


async def settled(exporter: Process) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Return one scrape, and what was promised at a time before its polls and at its end.

    Where a batch begins, ends or changes its state in between, look again.
    """
    while True:
        before = promised(await rows(exporter), time.time())
        await polled_again(exporter)
        found = await exporter.scrape()
        after = promised(await rows(exporter), time.time())
        same = before.keys() == after.keys() and all(
            before[name] == after[name] for name in before if not name.startswith(MOVING)
        )
        if same:
            return found, before, after


async def polled_again(exporter: Process) -> None:
    """Wait until every agent has been polled once more."""
    polls = {name: n for name, n in (await exporter.scrape()).items() if "_polls_total" in name}
    await exporter.until(lambda found: all(found[name] > n for name, n in polls.items()))


def scenarios(account: Account) -> dict[str, str]:
    """Return the scenario of each of the account's batches."""
    return {
        campaign.batch_id: campaign.scenario
        for agent in account.agents
        for campaign in agent.campaigns
    }


async def test_every_scenario_has_the_series_that_are_promised_and_no_others() -> None:
    async with started("demo", FREE_PORT) as exporter:
        await exporter.ready()
        found, before, after = await settled(exporter)
        assert_within(batches_with_series(found), before, after)
        truth = await rows(exporter)
        _, page = await exporter.get()
    by_id = scenarios(demo_account())
    seen = {
        (by_id[row["batchId"]], state(row, time.time())) for each in truth.values() for row in each
    }
    assert seen >= {
        ("healthy", "active"),
        ("stalled", "active"),
        ("paused", "paused"),
        ("slow", "active"),
        ("scheduled", "scheduled"),
        ("windowless", "active"),
        ("drained", "drained"),
        ("complete", "ended"),
        ("errors", "ended"),
        ("expired", "ended"),
        ("closed", "window_closed"),
        ("plain", "active"),
        ("crowd-ended", "ended"),
    }
    (old,) = [batch_id for batch_id, scenario in by_id.items() if scenario == "old"]
    assert old not in page


async def test_prometheus_scrapes_the_demo(tmp_path: Path) -> None:
    """`up` is 1, and what Prometheus holds is what the page says."""
    require("prometheus")
    async with started("demo", FREE_PORT) as exporter:
        await exporter.ready()
        target = (await exporter.url("")).removeprefix("http://")
        async with scraping(target, tmp_path) as prometheus:
            assert await prometheus.until("up == 1") == {"up{}": 1}
            await prometheus.until("ultravox_batch_info")
            page, stored = await same_in_both(exporter, prometheus)
            assert page == stored
            metadata = await prometheus.get("metadata")
            assert metadata["ultravox_batch_calls"][0]["type"] == "gauge"
            assert metadata["ultravox_agent_polls"][0]["type"] == "counter"


async def same_in_both(
    exporter: Process, prometheus: Prometheus
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Return what the page says and what Prometheus holds, without the values that move.

    Where a batch begins, ends or changes its state in between, look again.
    """
    tries = 0
    while True:
        page = still(await exporter.scrape())
        stored = still(await prometheus.series('{__name__=~"ultravox_.*"}'))
        tries += 1
        if page == stored or tries == TRIES:
            return page, stored
        await asyncio.sleep(INTERVAL)


def still(found: dict[str, float]) -> dict[str, float | None]:
    """Return the series as Prometheus names them, None in place of the values that move."""
    return {
        canonical(name): None if name.startswith(MOVING) else value
        for name, value in batches_with_series(found).items()
    }


async def test_promtool_has_no_complaint() -> None:
    """In the older format, which is the one that promtool reads."""
    promtool = require("promtool")
    async with started("demo", FREE_PORT) as exporter:
        await exporter.ready()
        _, page = await exporter.get()
        process = await asyncio.create_subprocess_exec(
            promtool,
            "check",
            "metrics",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        complaints, _ = await process.communicate(page.encode())
    assert (process.returncode, complaints) == (0, b"")


async def test_openmetrics_says_the_same() -> None:
    """prometheus_client's strict parser reads the whole page, and the series are the same."""
    async with started("demo", FREE_PORT) as exporter:
        await exporter.ready()
        _, after = await exporter.get()
        plain = openmetrics = ""
        while series_of(plain) != series_of(after):
            plain = after
            _, openmetrics = await exporter.get(headers={"Accept": "application/openmetrics-text"})
            _, after = await exporter.get()
    assert openmetrics.endswith("\n# EOF\n")
    families = text_string_to_metric_families(openmetrics)  # type: ignore[no-untyped-call]  # no annotations
    names = {family.name for family in families}
    assert {"ultravox_batch_calls", "ultravox_agent_polls"} <= names
    assert series_of(plain) == series_of(openmetrics)


def series_of(page: str) -> set[str]:
    """Return the series of a page that the exporter renders itself."""
    own = ("ultravox_batch_", "ultravox_agent_", "ultravox_account_")
    return {line.rpartition(" ")[0] for line in page.splitlines() if line.startswith(own)}
