"""An agent's polls against a real server: all or nothing, and without effect on other agents."""

import asyncio

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from exporter.config import Polling
from exporter.model import AgentSnapshot
from exporter.polling.job import Failure, Run, Success
from tests.fake_api import Fault, Simulator
from tests.fake_api import faults as f
from tests.support.builders import Clock, Surroundings, account, surroundings


def snapshot(made: Surroundings, agent_id: str) -> AgentSnapshot:
    """Return the agent's snapshot."""
    return made.store.agent(("main", agent_id))


def batch_ids(found: AgentSnapshot) -> set[str]:
    """Return the ids of the batches in the snapshot."""
    assert found.listing is not None
    return {batch.batch_id for batch in found.listing.batches}


async def test_created_and_deleted_batches_come_and_go_with_the_next_poll(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent()
    first = simulator.create(agent)
    async with surroundings(simulator, account(base_url, agent), clock=clock) as made:
        await made.poll(agent)
        assert batch_ids(snapshot(made, agent)) == {first}
        second = simulator.create(agent)
        simulator.delete(first)
        await made.poll(agent)
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
    opened = surroundings(simulator, account(base_url, agent, other), clock=clock, polling=polling)
    async with opened as made:
        await asyncio.gather(made.poll(agent), made.poll(other))
        before = snapshot(made, agent)
        assert batch_ids(before) == set(batches)
        for batch in batches:
            simulator.update(batch, completed_count=1)
        simulator.faults.add(Fault(page=3, agent_id=agent, effect=effect))
        clock.now += 30
        await asyncio.gather(made.poll(agent), made.poll(other))
        after = snapshot(made, agent)
        assert after.listing is before.listing
        assert after.health.up is False
        assert after.health.failures == {reason: 1}
        assert after.health.last_success == before.health.last_success
        assert snapshot(made, other).health.up is True
        assert snapshot(made, other).health.last_success == clock.now


BROKEN_LISTS: list[tuple[dict[str, object], str | None]] = [
    ({"results": [], "total": 4}, "payload"),
    ({"results": [], "next": None, "total": 1}, "payload"),
    ({"results": [], "total": 0}, None),
    ({"results": []}, None),
    ({"results": [], "total": None}, None),
]


@pytest.mark.parametrize(("body", "reason"), BROKEN_LISTS)
async def test_an_empty_list_removes_batches_only_if_its_total_agrees(
    simulator: Simulator,
    base_url: str,
    clock: Clock,
    body: dict[str, object],
    reason: str | None,
) -> None:
    agent = simulator.add_agent()
    batches = {simulator.create(agent) for _ in range(4)}
    async with surroundings(simulator, account(base_url, agent), clock=clock) as made:
        await made.poll(agent)
        handle = simulator.faults.add(Fault(effect=f.Replace(body)))
        await made.poll(agent)
        found = snapshot(made, agent)
        assert batch_ids(found) == (batches if reason else set())
        assert found.health.failures == ({reason: 1} if reason else {})
        handle.remove()
        await made.poll(agent)
        assert batch_ids(snapshot(made, agent)) == batches


async def test_a_list_that_ends_before_its_total_removes_nothing(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent()
    batches = {simulator.create(agent, created=clock.now - 60 * n) for n in range(250)}
    async with surroundings(simulator, account(base_url, agent), clock=clock) as made:
        await made.poll(agent)
        simulator.faults.add(Fault(effect=f.WithoutNext()))
        await made.poll(agent)
        assert snapshot(made, agent).health.failures == {"payload": 1}
        assert batch_ids(snapshot(made, agent)) == batches


async def test_a_record_that_cannot_be_read_withdraws_that_batch_alone(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """One warning names the batch and the field; it is repeated when the set changes."""
    agent = simulator.add_agent("Renewals")
    batches = [simulator.create(agent, created=clock.now - n) for n in range(50)]
    async with surroundings(simulator, account(base_url, agent), clock=clock) as made:
        poller = made.poller(agent)
        await poller.run_once(Run())
        with capture_logs() as logs:
            handle = simulator.faults.add(Fault(effect=f.WrongType("created", None, 7)))
            await poller.run_once(Run())
            await poller.run_once(Run())
            found = snapshot(made, agent)
            assert found.health.failures == {}
            assert batch_ids(found) == {*batches} - {batches[7]}
            assert found.listing is not None
            assert [each.record_id for each in found.listing.unreadable] == [batches[7]]
            simulator.faults.add(Fault(effect=f.Missing("totalCount", 8)))
            await poller.run_once(Run())
            simulator.faults.clear()
            await poller.run_once(Run())
        assert handle.hits == 3
        assert batch_ids(snapshot(made, agent)) == {*batches}
    fields = {"account": "main", "agent_id": agent, "agent": agent}
    first = f"{batches[7]}: created: Expected `datetime`, got `null`"
    second = f"{batches[8]}: totalCount: missing"
    warning = {"event": "batch_records_unreadable", "log_level": "warning", **fields}
    assert logs == [
        {**warning, "records": 1, "problems": first},
        {**warning, "records": 2, "problems": f"{first}; {second}"},
        {"event": "batch_records_recovered", "log_level": "info", **fields},
    ]


async def test_an_ended_batch_shows_its_final_counts(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent, total_count=10, completed_count=3)
    async with surroundings(simulator, account(base_url, agent), clock=clock) as made:
        await made.poll(agent)
        clock.now += 60
        simulator.update(batch, completed_count=9, ended_at=clock.now)
        await made.poll(agent)
        listing = snapshot(made, agent).listing
        assert listing is not None
        (ended,) = listing.batches
        assert (ended.completed, ended.ended, ended.last_progress) == (9, clock.now, clock.now)


async def test_a_run_returns_what_the_log_and_the_schedule_need(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """The interval in the snapshot has the back-off; that of the outcome has not."""
    agent = simulator.add_agent()
    simulator.create(agent)
    async with surroundings(simulator, account(base_url, agent), clock=clock) as made:
        poller = made.poller(agent)
        assert poller.log_fields() == {"agent_id": agent, "agent": agent}
        details = {"batches": 1, "listing": "full", "pages": 1}
        assert await poller.run_once(Run()) == Success(30.0, details)
        simulator.faults.add(Fault(effect=f.Status(402)))
        outcome = await poller.run_once(Run(failures_in_a_row=2))
        assert isinstance(outcome, Failure)
        assert outcome.interval == 30.0
        assert str(outcome.error) == "scheduled_batches: the API answered HTTP 402"
        assert snapshot(made, agent).health.interval == 120.0


async def test_the_name_comes_from_the_api_and_follows_a_rename(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """It is not asked for with each poll, but when it is due; after a failure with the next."""
    agent = simulator.add_agent("Renewals")
    async with surroundings(simulator, account(base_url, agent), clock=clock) as made:

        def name() -> str:
            return snapshot(made, agent).agent.name

        def lookups() -> int:
            return sum(request.path.endswith(agent) for request in simulator.requests)

        poller = made.poller(agent, ask_name=True)
        simulator.faults.add(Fault(path="/api/agents/*", effect=f.Status(404), times=1))
        await poller.run_once(Run())
        assert (name(), lookups()) == (agent, 1)
        await poller.run_once(Run())
        assert (name(), lookups()) == ("Renewals", 2)
        for _ in range(5):
            await poller.run_once(Run())
        assert lookups() == 2
        always_due = made.poller(agent, ask_name=True, name_refresh=0.0)
        simulator.rename_agent(agent, "Retention")
        await always_due.run_once(Run())
        assert name() == "Retention"
        simulator.rename_agent(agent, None)
        await always_due.run_once(Run())
        assert name() == agent


async def test_a_name_that_cannot_be_read_is_not_asked_for_with_each_poll(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """The second failure in a row makes the next request wait, and polls go on."""
    agent = simulator.add_agent("Renewals")
    simulator.faults.add(Fault(path="/api/agents/*", effect=f.Status(403)))
    async with surroundings(simulator, account(base_url, agent), clock=clock) as made:
        poller = made.poller(agent, ask_name=True)
        for _ in range(5):
            assert isinstance(await poller.run_once(Run()), Success)
    assert sum(request.path.endswith(agent) for request in simulator.requests) == 2


async def test_an_agent_that_is_down_is_not_asked_for_its_name(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent("Renewals")
    simulator.faults.add(Fault(effect=f.Status(404)))
    async with surroundings(simulator, account(base_url, agent), clock=clock) as made:
        await made.poller(agent, ask_name=True).run_once(Run())
        assert len(simulator.requests) == 1
        assert snapshot(made, agent).agent.name == agent


async def test_long_listings_side_by_side_do_not_make_each_other_time_out(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """Sixty pages at ten a second take longer than each poll may take of the API's time."""
    agents = [simulator.add_agent() for _ in range(4)]
    for agent in agents:
        for index in range(1500):
            simulator.create(agent, created=clock.now - index, ended_at=clock.now)
    watched = replace(account(base_url, *agents), requests_per_second=10.0)
    polling = Polling(timeout=3.0)
    async with surroundings(simulator, watched, clock=clock, polling=polling) as made:
        await asyncio.gather(*map(made.poll, agents))
        assert [snapshot(made, agent).health.failures for agent in agents] == [{}] * 4
        assert max(snapshot(made, agent).health.duration or 0.0 for agent in agents) > 3.0
