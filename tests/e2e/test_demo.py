"""The demo, scraped by a real Prometheus: every expected series and no other."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.simulator import DEFAULT_KEY, Account, demo_account
from tests.support.process import FREE_PORT, Process, eventually, started
from tests.support.programs import require
from tests.support.prometheus import INTERVAL, Prometheus, scraping
from tests.support.truth import Record, agent_sums, batch_series, kept, state

DAY = 86_400.0

Truth = dict[str, list[Record]]
"""The API's batch records, by agent."""

MOVING = (
    "ultravox_batch_calls_completed",
    "ultravox_batch_calls_remaining",
    "ultravox_agent_calls_completed",
    "ultravox_batch_window_remaining_seconds",
)
"""Series whose values change between two requests."""

TRIES = 20
"""Attempts to find a moment without a change: the demo's batches change every few seconds."""


async def api_records(exporter: Process) -> Truth:
    """Return every batch of every agent, from the API that the demo polls."""
    await eventually(lambda: "Ctrl-C" in exporter.out, exporter.describe)
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
    """Return the records of every page."""
    found: list[Any] = []
    url: str | None = f"{path}?pageSize=100"
    while url:
        async with api.get(url) as response:
            page = await response.json()
        found += page["results"]
        url = page.get("next")
    return found


def expected(truth: Truth, now: float) -> dict[str, float]:
    """Return the series of all batches and sums that a scrape at a time should have."""
    series: dict[str, float] = {}
    for agent_id, records in truth.items():
        shown = kept(records, now, DAY)
        series |= agent_sums("demo", agent_id, shown, now)
        for record in shown:
            series |= batch_series("demo", agent_id, record, now)
    return series


def batches_with_series(found: dict[str, float]) -> dict[str, float]:
    """Return the series that `expected` calculates."""
    pattern = r"ultravox_(batch_(?!last_progress)|agent_(batches|calls|calls_completed)\{)"
    return {name: value for name, value in found.items() if re.match(pattern, name)}


def canonical(name: str) -> str:
    """Return a series as Prometheus writes it: labels in order of name, without empty ones."""
    head, _, labels = name.partition("{")
    pairs = ",".join(sorted(re.findall(r'[a-z_]+="[^"]+"', labels)))
    return f"{head}{{{pairs}}}"


def assert_within(
    found: dict[str, float], before: dict[str, float], after: dict[str, float]
) -> None:
    """Check that changing values are between `before` and `after`, and that others are equal."""
    assert found.keys() == before.keys() == after.keys()
    for name, value in found.items():
        low, high = sorted((before[name], after[name]))
        if name.startswith(MOVING):
            assert low <= value <= high, name
        else:
            assert low == value == high, name


async def settled(exporter: Process) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Return one scrape, and the series expected before its polls and after the scrape.

    Try again if a batch begins, ends or changes its state in between.
    """
    while True:
        before = expected(await api_records(exporter), time.time())
        await polled_again(exporter)
        found = await exporter.scrape()
        after = expected(await api_records(exporter), time.time())
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


async def test_every_scenario_has_the_expected_series_and_no_others() -> None:
    async with started("demo", FREE_PORT) as exporter:
        await exporter.ready()
        found, before, after = await settled(exporter)
        assert_within(batches_with_series(found), before, after)
        truth = await api_records(exporter)
        _, exposition = await exporter.get()
    by_id = scenarios(demo_account())
    seen = {
        (by_id[record["batchId"]], state(record, time.time()))
        for records in truth.values()
        for record in records
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
    assert old not in exposition


async def test_prometheus_scrapes_the_demo(tmp_path: Path) -> None:
    """`up` is 1, and Prometheus has stored what `/metrics` returns."""
    require("prometheus")
    async with started("demo", FREE_PORT) as exporter:
        await exporter.ready()
        target = (await exporter.url("")).removeprefix("http://")
        async with scraping(target, tmp_path) as prometheus:
            assert await prometheus.until("up == 1") == {"up{}": 1}
            await prometheus.until("ultravox_batch_info")
            scraped, stored = await same_in_both(exporter, prometheus)
            assert scraped == stored
            metadata = await prometheus.get("metadata")
            assert metadata["ultravox_batch_calls"][0]["type"] == "gauge"
            assert metadata["ultravox_agent_polls"][0]["type"] == "counter"


async def same_in_both(
    exporter: Process, prometheus: Prometheus
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Return the series of a scrape and those in Prometheus, without the values that change.

    Try again if a batch begins, ends or changes its state in between.
    """
    tries = 0
    while True:
        scraped = still(await exporter.scrape())
        stored = still(await prometheus.series('{__name__=~"ultravox_.*"}'))
        tries += 1
        if scraped == stored or tries == TRIES:
            return scraped, stored
        await asyncio.sleep(INTERVAL)


def still(found: dict[str, float]) -> dict[str, float | None]:
    """Return the series as Prometheus names them, with None for the values that change."""
    return {
        canonical(name): None if name.startswith(MOVING) else value
        for name, value in batches_with_series(found).items()
    }


async def test_promtool_accepts_the_metrics() -> None:
    """In the text format 0.0.4: promtool reads no other."""
    promtool = require("promtool")
    async with started("demo", FREE_PORT) as exporter:
        await exporter.ready()
        _, exposition = await exporter.get()
        process = await asyncio.create_subprocess_exec(
            promtool,
            "check",
            "metrics",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate(exposition.encode())
    assert (process.returncode, output) == (0, b"")


async def test_openmetrics_has_the_same_series() -> None:
    """The strict parser of prometheus_client reads the whole exposition."""
    async with started("demo", FREE_PORT) as exporter:
        await exporter.ready()
        _, after = await exporter.get()
        plain = openmetrics = ""
        while series_of(plain) != series_of(after):
            plain = after
            _, openmetrics = await exporter.get(headers={"Accept": "application/openmetrics-text"})
            _, after = await exporter.get()
    assert openmetrics.endswith("\n# EOF\n")
    families = text_string_to_metric_families(openmetrics)  # type: ignore[no-untyped-call]  # prometheus_client's parser has no types
    names = {family.name for family in families}
    assert {"ultravox_batch_calls", "ultravox_agent_polls"} <= names
    assert series_of(plain) == series_of(openmetrics)


def series_of(exposition: str) -> set[str]:
    """Return the series of an exposition that the exporter renders itself."""
    own = ("ultravox_batch_", "ultravox_agent_", "ultravox_account_")
    return {line.rpartition(" ")[0] for line in exposition.splitlines() if line.startswith(own)}
