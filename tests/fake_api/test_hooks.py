"""The account may change while a listing is read, and answers may be late."""

import pytest

from tests.fake_api import Fault, Simulator
from tests.fake_api.faults import After, Before, Delay
from tests.simulator.support import EPOCH, Client, batches_of, ids


@pytest.fixture
def path(simulator: Simulator) -> str:
    """Add an agent with five batches, b0 the newest; return the path of pages of two."""
    agent = simulator.add_agent()
    for age in range(5):
        simulator.create(agent, created=EPOCH - age, batch_id=f"b{age}")
    return f"{batches_of(agent)}?pageSize=2"


async def test_a_batch_may_disappear_before_a_page_is_read(
    client: Client, simulator: Simulator, path: str
) -> None:
    simulator.faults.add(Fault(page=2, times=1, effect=Before(lambda: simulator.delete("b2"))))
    assert ids(*await client.pages(path)) == ["b0", "b1", "b3", "b4"]


async def test_batches_may_change_after_a_page_was_read(
    client: Client, simulator: Simulator, path: str
) -> None:
    """That page does not show the change, later pages do; the new batch is on the first page."""

    def change() -> None:
        simulator.delete("b0")
        simulator.delete("b4")
        simulator.create(path.split("/")[3], batch_id="new", created=EPOCH + 1)

    simulator.faults.add(Fault(page=1, times=1, effect=After(change)))
    assert ids(*await client.pages(path)) == ["b0", "b1", "b2", "b3"]
    assert ids(await client.json(path)) == ["new", "b1"]


async def test_a_late_answer_is_complete(client: Client, simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=Delay(0.01)))
    assert (await client.json("/api/agents"))["total"] == 0
