"""What the accounts answer before they are polled."""

from msgspec.structs import replace

from exporter.api.schemas import Page
from exporter.config import Account, Agent, Discover
from exporter.polling.preflight import AgentFinding, Finding, full_pages, survey
from exporter.simulator import Fault, Simulator
from exporter.simulator import faults as f
from tests.support.builders import POLLING, account, client


async def surveyed(
    simulator: Simulator, base_url: str, watched: Account, *, ahead: float = 0.0
) -> Finding:
    """Return what is found with a clock so many seconds ahead of the server's."""
    async with client(simulator, base_url) as api:
        return await survey(api, watched, POLLING, lambda: (api.server_time or 0.0) + ahead)


async def test_names_live_batches_and_pages(simulator: Simulator, base_url: str) -> None:
    named, listed = simulator.add_agent("Renewals"), simulator.add_agent("Win-back")
    simulator.create(named)
    for _ in range(101):
        simulator.create(listed, ended_at=1.0)
    watched = replace(account(base_url, listed), discover=Discover(include=("Ren*",)))
    found = await surveyed(simulator, base_url, watched)
    assert found.well
    assert found.clock_ahead == 0.0
    assert set(found.agents) == {
        AgentFinding(named, "Renewals", live=True),
        AgentFinding(listed, "", pages=2),
    }
    assert found.plan is not None
    assert found.plan.full_pages == 3


async def test_a_name_in_the_file_wins(simulator: Simulator, base_url: str) -> None:
    agent = simulator.add_agent("At the API")
    watched = Account(
        "main", base_url=base_url, agents=(Agent(agent, "Here"),), discover=Discover()
    )
    found = await surveyed(simulator, base_url, watched)
    assert [each.name for each in found.agents] == ["Here"]


def test_pages_are_counted_by_the_total_and_the_size_of_the_first() -> None:
    assert full_pages(Page([1] * 40)) == 1
    assert full_pages(Page([1] * 40, next="https://x?cursor=1", total=81)) == 3
    assert full_pages(Page([1] * 40, next="https://x?cursor=1")) == 2
    assert full_pages(Page([], next="https://x?cursor=1", total=2)) == 2


async def test_a_clock_that_is_off_is_a_problem(simulator: Simulator, base_url: str) -> None:
    assert (await surveyed(simulator, base_url, account(base_url), ahead=60)).well
    found = await surveyed(simulator, base_url, account(base_url), ahead=-61)
    assert found.problems == (
        "clock: this machine's is -61 s off the API's: windows are told wrongly",
    )


async def test_a_limit_that_is_too_low_is_a_problem(simulator: Simulator, base_url: str) -> None:
    agent = simulator.add_agent()
    found = await surveyed(
        simulator, base_url, replace(account(base_url, agent), requests_per_second=0.05)
    )
    (problem,) = found.problems
    assert problem == (
        "requests_per_second: 0.05 allowed, 0.0667 with live batches everywhere,"
        " 0.0417 with nothing live: polls will come late"
    )


async def test_without_the_scheduler_feature_each_agent_says_so(
    simulator: Simulator, base_url: str
) -> None:
    agent = simulator.add_agent()
    simulator.faults.add(Fault(path="/api/agents/*/scheduled_batches", effect=f.Status(402)))
    found = await surveyed(simulator, base_url, account(base_url, agent))
    problem = "status: scheduled_batches: the API answered HTTP 402"
    assert found.agents == (AgentFinding(agent, "", problem=problem),)
    assert not found.well


async def test_where_discovery_fails_there_is_no_plan(simulator: Simulator, base_url: str) -> None:
    simulator.faults.add(Fault(path="/api/agents", effect=f.NotJson()))
    watched = account(base_url, discover=Discover())
    found = await surveyed(simulator, base_url, watched)
    assert found.plan is None
    assert found.problems[0].startswith("payload: agents: not the documented response")


async def test_a_server_that_tells_no_time_is_taken_as_it_is(
    simulator: Simulator, base_url: str
) -> None:
    simulator.faults.add(Fault(path="/api/accounts/me", effect=f.Status(401)))
    async with client(simulator, base_url) as api:
        assert api.server_time is None
        found = await survey(api, account(base_url), POLLING, lambda: 0.0)
    assert found.problems == ("auth: account: the API answered HTTP 401",)
