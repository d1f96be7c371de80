"""An agent's polls against a real server: all or nothing, and nobody else's."""

import asyncio

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from exporter.config import Polling
from exporter.model import AgentSnapshot
from exporter.polling import poller as agent_module
from exporter.polling.context import Context
from exporter.polling.poller import AgentPoller
from tests.fake_api import Fault, Simulator
from tests.fake_api import faults as f
from tests.support.builders import Clock, account, context


def snapshot(made: Context, agent_id: str) -> AgentSnapshot:
    """Return the agent's snapshot."""
    return made.store.agent(("main", agent_id))


def poller(made: Context, agent_id: str, *, ask_name: bool = False) -> AgentPoller:
    """Return the poller of an agent."""
    return AgentPoller(made, ("main", agent_id), ask_name=ask_name)


def batch_ids(found: AgentSnapshot) -> set[str]:
    """Return the ids that the snapshot holds."""
    assert found.listing is not None
    return {batch.batch_id for batch in found.listing.batches}


async def test_created_and_deleted_batches_come_and_go_with_the_next_poll(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent()
    first = simulator.create(agent)
    async with context(simulator, account(base_url, agent), clock=clock) as made:
        poll = poller(made, agent).poll
        await poll()
        assert batch_ids(snapshot(made, agent)) == {first}
        second = simulator.create(agent)
        simulator.delete(first)
        await poll()
        assert batch_ids(snapshot(made, agent)) == {second}


BREAKING: list[tuple[f.Effect, str]] = [
    (f.Status(500), "status"),
    (f.Status(403), "auth"),
    (f.Status(429, retry_after=60), "rate_limited"),
    (f.Status(404), "not_found"),
    (f.CutBody(), "payload"),
    (f.NotJson(), "payload"),
    (f.Missing("endedAt"), "payload"),
    (f.Reset(), "unreachable"),
    (f.RepeatNext(), "loop"),
    (f.Hang(), "timeout"),
    (f.HangInBody(), "timeout"),
]


@pytest.mark.parametrize(("effect", "reason"), BREAKING, ids=lambda value: repr(value)[:30])
async def test_a_listing_that_breaks_on_page_3_of_5_changes_nothing_but_the_health(
    simulator: Simulator, base_url: str, clock: Clock, effect: f.Effect, reason: str
) -> None:
    agent, other = simulator.add_agent(), simulator.add_agent()
    batches = [simulator.create(agent, created=clock.now - index) for index in range(450)]
    simulator.create(other)
    polling = Polling(timeout=1.5 if reason == "timeout" else 10)
    surroundings = context(simulator, account(base_url, agent, other), clock=clock, polling=polling)
    async with surroundings as made:
        pollers = [poller(made, agent), poller(made, other)]
        await asyncio.gather(*(each.poll() for each in pollers))
        before = snapshot(made, agent)
        assert batch_ids(before) == set(batches)
        for batch in batches:
            simulator.update(batch, completed_count=1)
        simulator.faults.add(Fault(page=3, agent_id=agent, effect=effect))
        clock.now += 30
        await asyncio.gather(*(each.poll() for each in pollers))
        after = snapshot(made, agent)
        assert after.listing is before.listing
        assert after.health.up is False
        assert after.health.failures == {reason: 1}
        assert after.health.last_success == before.health.last_success
        assert snapshot(made, other).health.up is True
        assert snapshot(made, other).health.last_success == clock.now


async def test_an_ended_batch_shows_its_final_counts(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent, total_count=10, completed_count=3)
    async with context(simulator, account(base_url, agent), clock=clock) as made:
        poll = poller(made, agent).poll
        await poll()
        clock.now += 60
        simulator.update(batch, completed_count=9, ended_at=clock.now)
        await poll()
        listing = snapshot(made, agent).listing
        assert listing is not None
        (ended,) = listing.batches
        assert (ended.completed, ended.ended, ended.last_progress) == (9, clock.now, clock.now)


async def test_health_is_logged_when_it_changes_and_not_again(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent()
    async with context(simulator, account(base_url, agent), clock=clock) as made:
        poll = poller(made, agent).poll
        with capture_logs() as logs:
            await poll()
            await poll()
            handle = simulator.faults.add(Fault(effect=f.Status(500)))
            await poll()
            await poll()
            handle.remove()
            await poll()
    events = [(log["event"], log["log_level"]) for log in logs]
    assert events == [
        ("agent_up", "info"),
        ("agent_up", "debug"),
        ("agent_down", "warning"),
        ("agent_down", "debug"),
        ("agent_up", "info"),
    ]
    assert logs[2]["reason"] == "status"
    assert logs[2]["error"] == "scheduled_batches: the API answered 500"


async def test_the_name_comes_from_the_api_and_follows_a_rename(
    simulator: Simulator, base_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with each poll: only the refresh looks again."""
    agent = simulator.add_agent("Renewals")
    polling = Polling(interval=0.01, idle_interval=0.01)
    surroundings = context(simulator, account(base_url, agent), clock=clock, polling=polling)
    async with surroundings as made, asyncio.TaskGroup() as loops:
        assert snapshot(made, agent).agent.name == agent

        async def named(name: str) -> None:
            async with asyncio.timeout(20):
                while snapshot(made, agent).agent.name != name:
                    await asyncio.sleep(0.01)

        simulator.faults.add(Fault(path="/api/agents/*", effect=f.Status(404), times=1))
        loop = loops.create_task(poller(made, agent, ask_name=True).run(0))
        await named("Renewals")

        def lookups() -> int:
            return sum(request.path.endswith(agent) for request in simulator.requests)

        assert lookups() == 2
        polls = snapshot(made, agent).health.polls
        while snapshot(made, agent).health.polls < polls + 5:
            await asyncio.sleep(0.01)
        assert lookups() == 2
        loop.cancel()
        monkeypatch.setattr(agent_module, "NAME_REFRESH", 0.01)
        loop = loops.create_task(poller(made, agent, ask_name=True).run(0))
        simulator.rename_agent(agent, "Retention")
        await named("Retention")
        simulator.rename_agent(agent, None)
        await named(agent)
        loop.cancel()


async def test_an_agent_that_is_down_is_not_asked_for_its_name(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent("Renewals")
    simulator.faults.add(Fault(effect=f.Status(404)))
    async with context(simulator, account(base_url, agent), clock=clock) as made:
        await poller(made, agent, ask_name=True).step()
        assert len(simulator.requests) == 1
        assert snapshot(made, agent).agent.name == agent


async def test_long_listings_side_by_side_do_not_time_out_by_each_other_s_doing(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """Sixty pages at ten a second take longer than each poll may take of the API's time."""
    agents = [simulator.add_agent() for _ in range(4)]
    for agent in agents:
        for index in range(1500):
            simulator.create(agent, created=clock.now - index, ended_at=clock.now)
    watched = replace(account(base_url, *agents), requests_per_second=10.0)
    polling = Polling(timeout=3.0)
    async with context(simulator, watched, clock=clock, polling=polling) as made:
        pollers = [poller(made, agent) for agent in agents]
        await asyncio.gather(*(each.poll() for each in pollers))
        assert [snapshot(made, agent).health.failures for agent in agents] == [{}] * 4
        assert max(snapshot(made, agent).health.duration or 0.0 for agent in agents) > 3.0
