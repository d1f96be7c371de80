"""The numbers of the sizing section in `docs/performance.md` are those of the code."""

import re

import pytest
from msgspec.structs import replace
from prometheus_client import generate_latest

from exporter.api.transport import Resource
from exporter.config import Account, Batches, Discover, Polling
from exporter.metrics.account import ACCOUNT_METRICS
from exporter.metrics.agent import AGENT_METRICS
from exporter.metrics.batch import BATCH_METRICS
from exporter.metrics.instrumentation import Instrumentation
from exporter.plan import Load, requests_per_second
from tools.docs.pages import ROOT
from tools.docs.series import ACCOUNT, AGENT, CALLS, DISCOVERING, ENDED, LIVE, count

PAGE = (ROOT / "docs" / "performance.md").read_text("utf-8")
SECTION = PAGE.partition("\n## Sizing\n")[2].replace("\u00d7", "*")
"""The section, with `*` for the multiplication sign."""


def cells(name: str) -> list[str]:
    """Return the cells of the section's table row with this name, without the name."""
    (row,) = re.findall(rf"^\| {re.escape(name)} \| (.*) \|$", SECTION, re.MULTILINE)
    return re.split(r" \| ", row)


def test_the_series_of_a_batch() -> None:
    live, ended = replace(LIVE, call_status=CALLS), replace(ENDED, call_status=CALLS)
    assert cells("live batch") == [f"{count(BATCH_METRICS, each)}" for each in (LIVE, live)]
    assert cells("ended batch, for `batches.keep_ended` after its end") == [
        f"{count(BATCH_METRICS, each)}" for each in (ENDED, ended)
    ]


def test_the_series_of_an_agent_and_of_an_account() -> None:
    assert cells("agent")[0] == f"{count(AGENT_METRICS, AGENT)}"
    assert cells("account")[0] == f"{count(ACCOUNT_METRICS, ACCOUNT)}"
    with_one_glob = count(ACCOUNT_METRICS, DISCOVERING)
    assert cells("account with discovery")[0] == f"{with_one_glob - 1}, and 1 per `include` glob"


def test_the_series_of_the_process_with_every_resource_requested() -> None:
    instrumentation = Instrumentation()
    for resource in Resource:
        instrumentation.request("main", resource, "200", 0.1)
    instrumentation.rate_limit_wait("main", 0.1)
    lines = generate_latest(instrumentation.registry).decode().splitlines()
    series = sum(not line.startswith("#") for line in lines)
    assert 0.9 * 110 < series <= 110
    assert cells("exporter process with one account")[0] == "at most 110"


def test_the_measured_memory_per_batch_is_below_that_of_the_formula() -> None:
    (row,) = re.findall(r"^\| resident memory .*", PAGE, re.MULTILINE)
    *_, ten_thousand, hundred_thousand = map(float, re.findall(r"([\d.]+) KiB", row))
    assert max(ten_thousand, hundred_thousand) <= 1.5
    assert "1.5 KiB * batches" in SECTION


def test_the_defaults_are_those_of_the_configuration() -> None:
    polling, discover = Polling(), Discover()
    for text in (
        f"`polling.interval` ({polling.interval:g} s)",
        f"`polling.idle_interval` ({polling.idle_interval:g} s)",
        f"`polling.full_listing_interval` ({polling.full_listing_interval:g} s)",
        f"`discover.interval` ({discover.interval:g} s)",
        f"`requests_per_second` of the account ({Account('main').requests_per_second:g}, which",
    ):
        assert text in " ".join(SECTION.split())
    assert not Batches().outcomes


@pytest.mark.parametrize("name", ["series", "samples per second", "memory, MiB"])
def test_the_calculations_of_the_example_give_its_results(name: str) -> None:
    calculation, result = cells(name)
    assert f"{calculated(calculation):.0f}" == result


def test_the_example_uses_the_numbers_of_the_table() -> None:
    series, _ = cells("series")
    live, ended, agent = (
        count(BATCH_METRICS, LIVE),
        count(BATCH_METRICS, ENDED),
        count(AGENT_METRICS, AGENT),
    )
    account = count(ACCOUNT_METRICS, DISCOVERING)
    assert series == f"200 * {live} + 100 * {ended} + 20 * {agent} + {account} + 110"


def test_the_requests_of_the_example_are_those_that_the_exporter_plans() -> None:
    polling = Polling()
    loads = [
        Load(interval, full_pages=5)
        for interval in (polling.interval, polling.idle_interval)
        for _ in range(10)
    ]
    planned = 60 * requests_per_second(loads, polling, Discover().interval, 1)
    calculation, result = cells("requests per minute")
    assert calculated(calculation) == pytest.approx(planned)
    assert f"{planned:.1f}" == result


def calculated(text: str) -> float:
    """Return the value of sums of products and quotients, read from left to right."""
    return sum(_product(term) for term in text.split(" + "))


def _product(text: str) -> float:
    first, *rest = re.split(r" (?=[*/])", text)
    value = float(first)
    for step in rest:
        factor = float(step[2:])
        value = value * factor if step[0] == "*" else value / factor
    return value
