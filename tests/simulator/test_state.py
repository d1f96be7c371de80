"""The simulator owns its account: the next answer shows each change."""

from typing import Any

import pytest

from exporter.simulator import Account, Agent, Campaign, Simulator, demo_account
from tests.fake_api import CANARIES
from tests.simulator.support import EPOCH, Client, Clock, batches_of, ids, serving

CAMPAIGN = Campaign(batch_id="c", scenario="any", created=0, total=100, rate=1)


def with_campaigns(clock: Clock, *campaigns: Campaign, speed: float = 1.0) -> Simulator:
    account = Account(name="test", agents=(Agent(agent_id="a", campaigns=campaigns),))
    return Simulator(account, clock=clock, speed=speed)


def test_the_defaults_of_a_new_batch(simulator: Simulator, clock: Clock) -> None:
    agent = simulator.add_agent()
    clock.now = 1_790_000_001
    batch = simulator.create(agent)
    (record,) = simulator.batches(agent)
    assert record == {
        "batchId": batch,
        "created": "2026-09-21T14:13:21Z",
        "windowStart": None,
        "windowEnd": None,
        "throttle": None,
        "webhookUrl": None,
        "webhookSecret": CANARIES[0],
        "paused": False,
        "totalCount": 1,
        "completedCount": 0,
        "endedAt": None,
    }


def test_batches_are_listed_newest_first_and_equal_ones_in_order_of_adding(
    simulator: Simulator,
) -> None:
    agent = simulator.add_agent()
    ages = [5, 1, 9, 1, 3]
    made = [simulator.create(agent, created=EPOCH - age) for age in ages]
    expected = [made[at] for at in (1, 3, 4, 0, 2)]
    assert [record["batchId"] for record in simulator.batches(agent)] == expected


def test_updates_change_fields_and_order(simulator: Simulator) -> None:
    agent = simulator.add_agent()
    first = simulator.create(agent, created=EPOCH, batch_id="first")
    simulator.create(agent, created=EPOCH - 1, batch_id="second")
    simulator.update(first, total_count=8, paused=True)
    top, _ = simulator.batches(agent)
    assert (top["batchId"], top["totalCount"], top["paused"]) == ("first", 8, True)
    simulator.update(first, created=EPOCH - 2)
    assert [record["batchId"] for record in simulator.batches(agent)] == ["second", "first"]


def test_a_campaign_makes_calls_until_it_is_updated(clock: Clock) -> None:
    simulator = with_campaigns(clock, CAMPAIGN)
    clock.now += 10
    assert simulator.batches("a")[0]["completedCount"] == 10
    simulator.update("c", throttle="calm")
    clock.now += 10
    (record,) = simulator.batches("a")
    assert (record["completedCount"], record["throttle"]) == (10, "calm")


def test_a_campaign_may_be_deleted_before_it_is_read(clock: Clock) -> None:
    simulator = with_campaigns(clock, CAMPAIGN)
    simulator.delete("c")
    assert simulator.batches("a") == []


def test_campaigns_appear_when_they_are_created(clock: Clock) -> None:
    """With speed 60, a campaign created in an hour appears after a minute."""
    later = Campaign(batch_id="later", scenario="any", created=3_600, total=9, rate=1)
    simulator = with_campaigns(clock, later, CAMPAIGN, speed=60)
    assert [record["batchId"] for record in simulator.batches("a")] == ["c"]
    clock.now += 60
    assert [record["batchId"] for record in simulator.batches("a")] == ["later", "c"]


def test_the_epoch_may_be_in_the_past(clock: Clock) -> None:
    account = Account(name="test", agents=(Agent(agent_id="a", campaigns=(CAMPAIGN,)),))
    simulator = Simulator(account, clock=clock, epoch=EPOCH - 7)
    assert simulator.batches("a")[0]["completedCount"] == 7


def test_agents_can_be_added_renamed_and_deleted(simulator: Simulator) -> None:
    agent = simulator.add_agent("One", agent_id="known")
    simulator.rename_agent(agent, None)
    assert "name" not in simulator.agents()[0]
    simulator.rename_agent(agent, "Two")
    assert simulator.agents()[0]["name"] == "Two"
    batch = simulator.create("known")
    simulator.delete_agent("known")
    assert simulator.agents() == []
    for unknown in (simulator.delete, simulator.batches, simulator.delete_agent):
        with pytest.raises(KeyError):
            unknown(batch)


def test_a_deleted_agent_loses_its_later_campaigns(clock: Clock) -> None:
    later = Campaign(batch_id="later", scenario="any", created=60, total=9, rate=1)
    simulator = with_campaigns(clock, later)
    simulator.delete_agent("a")
    clock.now += 61
    simulator.add_agent(agent_id="a")
    assert simulator.batches("a") == []


async def test_received_requests_are_kept_in_order(client: Client, simulator: Simulator) -> None:
    """Without the key's value: only whether a key was sent."""
    await client.get("/api/agents?pageSize=5")
    await client.get("/api/accounts/me", key=None)
    seen = [
        (one.method, one.path, one.query, one.status, one.has_key) for one in simulator.requests
    ]
    assert seen == [
        ("GET", "/api/agents", {"pageSize": "5"}, 200, True),
        ("GET", "/api/accounts/me", {}, 403, False),
    ]
    simulator.requests.clear()
    assert simulator.requests == []


async def test_the_key_may_change(simulator: Simulator, client: Client) -> None:
    simulator.api_key = "another"
    assert (await client.get("/api/agents")).status == 403
    assert (await client.get("/api/agents", key="another")).status == 200


async def test_the_limit_of_page_sizes_may_be_set(clock: Clock) -> None:
    simulator = Simulator(Account(name="test"), clock=clock, max_page_size=2)
    agent = simulator.add_agent()
    for _ in range(3):
        simulator.create(agent)
    async with serving(simulator) as client:
        assert len(ids(await client.json(f"{batches_of(agent)}?pageSize=100"))) == 2


async def test_same_seed_and_epoch_serve_the_same_bytes() -> None:
    """Batches and agents that are added later have the same ids, too."""
    one, other, third = [await answers(seed) for seed in (5, 5, 6)]
    assert one == other
    assert one != third


async def answers(seed: int) -> list[Any]:
    simulator = Simulator(demo_account(seed), clock=Clock(), epoch=EPOCH)
    agent = simulator.add_agent("New")
    simulator.create(agent)
    async with serving(simulator) as client:
        paths = [
            "/api/accounts/me",
            *(batches_of(record["agentId"]) for record in simulator.agents()),
        ]
        bodies = [(await client.get(path)).body for path in paths]
        return [body.replace(client.url.encode(), b"") for body in bodies]
