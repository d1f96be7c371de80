"""Faults hit the requests that match them, in the order in which they were added."""

import pytest

from exporter.simulator.pagination import Cursor, encode
from tests.fake_api import Fault, Simulator
from tests.fake_api.faults import Before, NoTotal, Status, page_number
from tests.simulator.support import Client, batches_of

UNAVAILABLE = Status(503)


@pytest.fixture
def agent(simulator: Simulator) -> str:
    """Add an agent with five batches, and return its id."""
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
def test_a_glob_matches_whole_segments(
    simulator: Simulator, glob: str, path: str, hit: bool
) -> None:
    simulator.faults.add(Fault(effect=UNAVAILABLE, path=glob))
    assert bool(simulator.faults.hit(path, None)) is hit


def test_a_fault_may_hit_one_agent_only(simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=UNAVAILABLE, agent_id="a"))
    paths = ["/api/agents/a", "/api/agents/a/scheduled_batches/b", "/api/agents/b", "/api/agents"]
    hits = [bool(simulator.faults.hit(path, None)) for path in paths]
    assert hits == [True, True, False, False]


async def test_a_fault_may_hit_one_page_only(
    client: Client, simulator: Simulator, agent: str
) -> None:
    """`previous` counts down."""
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


async def test_times_limits_the_number_of_requests(client: Client, simulator: Simulator) -> None:
    handle = simulator.faults.add(Fault(effect=UNAVAILABLE, times=2))
    statuses = [(await client.get("/api/agents")).status for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert handle.hits == 2


async def test_faults_can_be_removed(client: Client, simulator: Simulator) -> None:
    first = simulator.faults.add(Fault(effect=UNAVAILABLE))
    simulator.faults.add(Fault(effect=Status(502)))
    first.remove()
    first.remove()
    assert (await client.get("/api/agents")).status == 502
    simulator.faults.clear()
    assert (await client.get("/api/agents")).status == 200


async def test_of_two_answers_the_one_added_last_is_sent(
    client: Client, simulator: Simulator
) -> None:
    simulator.faults.add(Fault(effect=UNAVAILABLE))
    simulator.faults.add(Fault(effect=Status(429)))
    assert (await client.get("/api/agents")).status == 429


async def test_a_hook_may_remove_faults(client: Client, simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=Before(simulator.faults.clear)))
    await client.get("/api/agents")
    assert simulator.faults.hit("/api/agents", None) == []
