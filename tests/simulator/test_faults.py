"""Faults hit the requests that they name, in the order in which they were added."""

import pytest

from exporter.simulator import Fault, Simulator
from exporter.simulator.faults import Before, NoTotal, Status, page_number
from exporter.simulator.paging import Cursor, encode
from tests.simulator.support import Client, batches_of

OUT = Status(503)


@pytest.fixture
def agent(simulator: Simulator) -> str:
    """Add an agent with five batches."""
    agent = simulator.add_agent()
    for _ in range(5):
        simulator.create(agent)
    return agent


@pytest.mark.parametrize(
    ("glob", "path", "hit"),
    [
        ("*", "/api/agents", True),
        ("*", "/api/agents/a/scheduled_batches", True),
        ("/api/agents", "/api/agents", True),
        ("/api/agents/*", "/api/agents/a", True),
        ("/api/agents/*", "/api/agents/a/scheduled_batches", False),
        ("/api/agents/*/scheduled_batches", "/api/agents/a/scheduled_batches", True),
        ("/api/agents/*/scheduled_batches", "/api/agents/a/scheduled_batches/b", False),
    ],
)
def test_a_glob_fits_whole_segments(simulator: Simulator, glob: str, path: str, hit: bool) -> None:
    simulator.faults.add(Fault(effect=OUT, path=glob))
    assert bool(simulator.faults.strike(path, None)) is hit


def test_an_agent_is_told_from_the_others(simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=OUT, agent_id="a"))
    paths = ["/api/agents/a", "/api/agents/a/scheduled_batches/b", "/api/agents/b", "/api/agents"]
    hits = [bool(simulator.faults.strike(path, None)) for path in paths]
    assert hits == [True, True, False, False]


async def test_a_page_is_told_by_its_number(
    client: Client, simulator: Simulator, agent: str
) -> None:
    """Going back counts down."""
    handle = simulator.faults.add(Fault(effect=NoTotal(), page=2))
    pages = await client.pages(f"{batches_of(agent)}?pageSize=2")
    assert ["total" in page for page in pages] == [True, False, True]
    assert "total" not in await client.json(pages[2]["previous"])
    assert handle.hits == 2


@pytest.mark.parametrize(
    ("path", "cursor", "number"),
    [
        ("/api/agents", None, 1),
        ("/api/agents", encode(Cursor(number=4)), 4),
        ("/api/agents", "nonsense", None),
        ("/api/accounts/me", None, None),
        ("/api/agents/a", None, None),
    ],
)
def test_only_listings_have_pages(path: str, cursor: str | None, number: int | None) -> None:
    assert page_number(path, cursor) == number


async def test_a_fault_hits_so_many_times(client: Client, simulator: Simulator) -> None:
    handle = simulator.faults.add(Fault(effect=OUT, times=2))
    statuses = [(await client.get("/api/agents")).status for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert handle.hits == 2


async def test_faults_go_when_told_to(client: Client, simulator: Simulator) -> None:
    first = simulator.faults.add(Fault(effect=OUT))
    simulator.faults.add(Fault(effect=Status(502)))
    first.remove()
    first.remove()
    assert (await client.get("/api/agents")).status == 502
    simulator.faults.clear()
    assert (await client.get("/api/agents")).status == 200


async def test_of_two_answers_the_later_one_counts(client: Client, simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=OUT))
    simulator.faults.add(Fault(effect=Status(429)))
    assert (await client.get("/api/agents")).status == 429


async def test_a_hook_may_take_faults_away(client: Client, simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=Before(simulator.faults.clear)))
    await client.get("/api/agents")
    assert simulator.faults.strike("/api/agents", None) == []
