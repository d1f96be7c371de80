"""The preflight: what the accounts answer, and what polling them will cost."""

import pytest
from msgspec.structs import replace

from exporter.api.decoding import Page
from exporter.config import Account, Agent, Discover
from exporter.errors import (
    ApiError,
    AuthError,
    LoopError,
    NotFoundError,
    PayloadError,
    RateLimitedError,
    StatusError,
    TimedOutError,
    UnreachableError,
)
from exporter.polling.preflight import (
    AccountReport,
    AgentReport,
    describe,
    full_pages,
    preflight,
)
from tests.fake_api import Fault, Simulator
from tests.fake_api import faults as f
from tests.support.builders import POLLING, account, client


async def report_on(
    simulator: Simulator, base_url: str, watched: Account, *, ahead: float = 0.0
) -> AccountReport:
    """Return the report of a machine whose clock is `ahead` seconds ahead of the server's."""
    async with client(simulator, base_url) as api:
        return await preflight(
            api, watched, POLLING, lambda: (api.server_clock.date or 0.0) + ahead
        )


async def test_the_report_has_names_live_batches_and_pages(
    simulator: Simulator, base_url: str
) -> None:
    named, listed = simulator.add_agent("Renewals"), simulator.add_agent("Win-back")
    simulator.create(named)
    for _ in range(101):
        simulator.create(listed, ended_at=1.0)
    watched = replace(account(base_url, listed), discover=Discover(include=("Ren*",)))
    found = await report_on(simulator, base_url, watched)
    assert found.passed
    assert found.clock_ahead == 0.0
    assert set(found.agents) == {
        AgentReport(named, "Renewals", live=True),
        AgentReport(listed, "Win-back", pages=2),
    }
    assert found.plan is not None
    assert found.plan.full_pages == 3


async def test_a_name_in_the_file_replaces_the_name_at_the_api(
    simulator: Simulator, base_url: str
) -> None:
    agent = simulator.add_agent("At the API")
    watched = Account(
        "main", base_url=base_url, agents=(Agent(agent, "Here"),), discover=Discover()
    )
    found = await report_on(simulator, base_url, watched)
    assert [each.name for each in found.agents] == ["Here"]


def test_pages_are_calculated_from_the_total_and_the_size_of_the_first() -> None:
    assert full_pages(Page([1] * 40)) == 1
    assert full_pages(Page([1] * 40, next="https://x?cursor=1", total=81)) == 3
    assert full_pages(Page([1] * 40, next="https://x?cursor=1")) == 2
    assert full_pages(Page([], next="https://x?cursor=1", total=2)) == 2


async def test_records_that_cannot_be_read_are_problems(
    simulator: Simulator, base_url: str
) -> None:
    """The page counts as full, and the batch as live."""
    agent, other = simulator.add_agent("Renewals"), simulator.add_agent("Other")
    for _ in range(101):
        simulator.create(agent, created=1.0, ended_at=1.0)
    newest = simulator.create(agent, created=2.0)
    listing = "/api/agents/*/scheduled_batches"
    simulator.faults.add(Fault(path=listing, page=1, effect=f.WrongType("created", None, 0)))
    simulator.faults.add(Fault(path="/api/agents", effect=f.WrongType("name", 7, 1)))
    watched = replace(account(base_url, agent), discover=Discover())
    found = await report_on(simulator, base_url, watched)
    assert not found.passed
    advice = "the rest are watched: report it as a bug"
    (report,) = (each for each in found.agents if each.agent_id == agent)
    assert (report.live, report.pages) == (True, 2)
    first = f"{newest}: created: Expected `datetime`, got `null`"
    assert report.problem == f"1 batches can't be read (the first is {first}): {advice}"
    (problem,) = found.problems
    assert problem.startswith("1 agents can't be read (the first is ")
    assert problem.endswith(f": name: Expected `str | null`, got `int`): {advice}")
    assert len(found.agents) == 2 - (other in problem)


async def test_a_wrong_clock_is_a_problem(simulator: Simulator, base_url: str) -> None:
    assert (await report_on(simulator, base_url, account(base_url), ahead=60)).passed
    messages = [
        (await report_on(simulator, base_url, account(base_url), ahead=ahead)).problems
        for ahead in (-61, 61)
    ]
    advice = "batch states are wrong by that time: synchronise the clock (NTP)"
    assert messages == [
        (f"clock: this machine is 61 s behind the API: {advice}",),
        (f"clock: this machine is 61 s ahead of the API: {advice}",),
    ]


async def test_a_rate_limit_that_is_too_low_is_a_problem(
    simulator: Simulator, base_url: str
) -> None:
    agent = simulator.add_agent()
    found = await report_on(
        simulator, base_url, replace(account(base_url, agent), requests_per_second=0.05)
    )
    (problem,) = found.problems
    assert problem == (
        "requests_per_second: 0.05 is too low (needed: 0.0417 with no live batches,"
        " 0.0667 if every agent has some): polls will be late: raise it, or raise polling.interval"
    )


async def test_without_a_subscription_each_agent_has_the_problem(
    simulator: Simulator, base_url: str
) -> None:
    agent = simulator.add_agent()
    simulator.faults.add(Fault(path="/api/agents/*/scheduled_batches", effect=f.Status(402)))
    found = await report_on(simulator, base_url, account(base_url, agent))
    problem = "payment required (HTTP 402): check the account's subscription"
    assert found.agents == (AgentReport(agent, "", problem=problem),)
    assert not found.passed


async def test_without_discovery_there_is_no_plan(simulator: Simulator, base_url: str) -> None:
    simulator.faults.add(Fault(path="/api/agents", effect=f.NotJson()))
    watched = account(base_url, discover=Discover())
    found = await report_on(simulator, base_url, watched)
    assert found.plan is None
    assert found.problems[0].startswith("answer not as documented (agents: ")


async def test_a_rejected_key_is_the_only_problem(simulator: Simulator, base_url: str) -> None:
    simulator.faults.add(Fault(path="/api/accounts/me", effect=f.Status(401)))
    async with client(simulator, base_url) as api:
        assert api.server_clock.date is None
        found = await preflight(api, account(base_url), POLLING, lambda: 0.0)
    assert found == AccountReport(
        "main",
        ("API key rejected (HTTP 401): put a valid key into api_key_file or api_key_env",),
    )


async def test_every_wrong_id_has_the_problem(simulator: Simulator, base_url: str) -> None:
    found = await report_on(simulator, base_url, account(base_url, "gone", "lost"))
    problem = "no agent has this id (HTTP 404): correct it or remove the agent"
    assert found.agents == (
        AgentReport("gone", "", problem=problem),
        AgentReport("lost", "", problem=problem),
    )


async def test_a_name_that_the_api_does_not_return_is_no_problem(
    simulator: Simulator, base_url: str
) -> None:
    agent = simulator.add_agent("Renewals")
    simulator.faults.add(Fault(path=f"/api/agents/{agent}", effect=f.Status(404)))
    found = await report_on(simulator, base_url, account(base_url, agent))
    assert found.agents == (AgentReport(agent, ""),)
    assert found.passed


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (AuthError("x", status=403), "API key rejected (HTTP 403): put a valid key into "),
        (NotFoundError("x", status=404), "not found (HTTP 404): check base_url"),
        (RateLimitedError("x", status=429), "too many requests (HTTP 429): lower "),
        (StatusError("x", status=402), "payment required (HTTP 402): check the account's "),
        (StatusError("x", status=500), "unexpected answer (HTTP 500): check base_url"),
        (TimedOutError("no answer within 5 s"), "no answer in time (no answer within 5 s): check "),
        (
            UnreachableError("account: Cannot connect to host x"),
            "API not reachable (account: Cannot connect to host x): check base_url",
        ),
        (
            PayloadError("agents: the response broke off before its end"),
            "answer not as documented (agents: the response broke off before its end): ",
        ),
        (LoopError("no end after 9 pages"), "the list of agents has no end (no end after 9 pages)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ApiError) else "",
)
def test_an_error_is_described_with_what_to_do(error: ApiError, text: str) -> None:
    """In words of the user: no Python class, no internal reason."""
    assert describe(error).startswith(text)
