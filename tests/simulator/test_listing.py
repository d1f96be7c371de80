"""Listings over HTTP: pages, their links, and records that appear and disappear."""

import pytest

from exporter.simulator import Account, Agent, Simulator
from tests.simulator.support import EPOCH, Client, Clock, batches_of, ids, serving


async def test_a_bad_cursor_is_404(client: Client) -> None:
    reply = await client.get("/api/agents?cursor=nonsense")
    assert (reply.status, reply.json()) == (404, {"detail": "Invalid cursor"})


async def test_pages_link_to_each_other_and_keep_the_query(
    client: Client, simulator: Simulator
) -> None:
    """Newest first; `next` and `previous` are absolute, null at the ends; `total` counts all."""
    agent = simulator.add_agent()
    made = [simulator.create(agent, created=EPOCH - age) for age in range(5)]
    pages = await client.pages(f"{batches_of(agent)}?pageSize=2&x=a%20b")
    assert ids(*pages) == made
    assert [page["total"] for page in pages] == [5, 5, 5]
    assert [list(page) for page in pages] == [["next", "previous", "results", "total"]] * 3
    assert pages[0]["previous"] is None
    assert pages[2]["next"] is None
    start = f"{client.url}{batches_of(agent)}?cursor="
    assert pages[0]["next"].startswith(start)
    assert pages[0]["next"].endswith("&pageSize=2&x=a+b")
    assert ids(await client.json(pages[1]["previous"])) == made[:2]


@pytest.mark.parametrize(
    ("query", "records"), [("", 20), ("?pageSize=3", 3), ("?pageSize=1000", 100)]
)
async def test_page_sizes(client: Client, simulator: Simulator, query: str, records: int) -> None:
    agent = simulator.add_agent()
    for _ in range(130):
        simulator.create(agent)
    assert len(ids(await client.json(batches_of(agent) + query))) == records


async def test_records_that_appear_and_disappear_between_pages_hide_no_other(
    client: Client, simulator: Simulator
) -> None:
    agent = simulator.add_agent()
    made = [simulator.create(agent, created=EPOCH - age) for age in range(6)]
    first = await client.json(f"{batches_of(agent)}?pageSize=2")
    simulator.create(agent)
    simulator.delete(made[0])
    simulator.delete(made[2])
    rest = await client.pages(first["next"])
    assert ids(*rest) == made[3:]


async def test_bare_pages_leave_out_the_optional_fields(clock: Clock) -> None:
    """No `total`, and no link without a page."""
    agent = Agent(agent_id="a", bare_pages=True)
    simulator = Simulator(Account(name="bare", agents=(agent,)), clock=clock)
    for _ in range(3):
        simulator.create("a")
    async with serving(simulator) as client:
        pages = await client.pages(f"{batches_of('a')}?pageSize=2")
    assert [set(page) for page in pages] == [{"next", "results"}, {"previous", "results"}]
