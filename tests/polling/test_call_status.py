"""Call status: what it costs, and that no listing waits for it."""

import asyncio

from msgspec.structs import replace
from structlog.testing import capture_logs

from exporter.config import Batches
from exporter.model import Agent, AgentSnapshot, Batch, BatchState, CallStatus, Listing, PollHealth
from exporter.polling.call_status import CallStatusJob, due
from exporter.polling.job import Failure, Run, Success
from tests.fake_api import Fault, Simulator
from tests.fake_api import faults as f
from tests.support.builders import POLLING, Clock, Surroundings, account, surroundings

COUNTED = Batches(outcomes=True, outcomes_interval=120)


def job(made: Surroundings) -> CallStatusJob:
    """Return the job of an account."""
    return CallStatusJob(made.access, made.config.batches, made.config.polling)


async def run_all(calls: CallStatusJob) -> None:
    """Run the job until nothing is due."""
    while await calls.run_once(Run()) == Success(0.0):
        pass


def call_status(made: Surroundings, agent_id: str) -> dict[str, CallStatus | None]:
    """Return the call status, by batch."""
    listing = made.store.agent(("main", agent_id)).listing
    assert listing is not None
    return {batch.batch_id: batch.call_status for batch in listing.batches}


def asked(simulator: Simulator) -> list[str]:
    """Return the ids of the batches whose calls were asked for, once a request."""
    return [
        request.path.split("/")[5]
        for request in simulator.requests
        if request.path.endswith("/scheduled_calls")
    ]


async def test_a_batch_is_asked_for_when_it_moved_and_once_more_when_it_ended(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent, total_count=10, completed_count=4, error_count=1)
    async with surroundings(
        simulator, account(base_url, agent), clock=clock, batches=COUNTED
    ) as made:
        calls = job(made)

        async def round_of(requests: int) -> None:
            simulator.requests.clear()
            await made.poll(agent)
            await run_all(calls)
            assert asked(simulator) == [batch] * requests

        assert await calls.run_once(Run()) == Success(made.config.polling.interval)
        await round_of(2)
        active = (10, 4, BatchState.ACTIVE)
        assert call_status(made, agent) == {
            batch: CallStatus((0, 6, 3, 0, 1), clock.now, active, clock.now)
        }
        clock.now += 1000
        await round_of(0)
        simulator.update(batch, completed_count=5)
        await round_of(2)
        clock.now += 119
        simulator.update(batch, completed_count=10, ended_at=clock.now)
        await round_of(0)
        clock.now += 1
        await round_of(1)
        clock.now += 1000
        await round_of(0)
        found = call_status(made, agent)[batch]
        assert found is not None
        assert found.calls == (0, 0, 9, 0, 1)


async def test_an_unknown_number_is_asked_for_once_a_later_listing_shows_the_same_batch(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """A call is made between the listing and the answers, and then no more."""
    agent = simulator.add_agent()
    batch = simulator.create(agent, total_count=10, completed_count=4, paused=True)
    async with surroundings(
        simulator, account(base_url, agent), clock=clock, batches=COUNTED
    ) as made:
        calls = job(made)

        async def round_of(*numbers: int | None, requests: int) -> None:
            simulator.requests.clear()
            await run_all(calls)
            assert asked(simulator) == [batch] * requests
            found = call_status(made, agent)[batch]
            assert found is not None
            assert found.calls == numbers

        await made.poll(agent)
        simulator.update(batch, completed_count=5)
        await round_of(None, 5, None, None, 0, requests=2)
        simulator.update(batch, completed_count=4)
        clock.now += 500
        await round_of(None, 5, None, None, 0, requests=0)
        await made.poll(agent)
        await round_of(0, 5, 4, None, 0, requests=2)
        clock.now += 120
        await made.poll(agent)
        await round_of(0, 5, 4, 0, 0, requests=1)
        clock.now += 120
        await made.poll(agent)
        await round_of(0, 5, 4, 0, 0, requests=0)


async def test_counts_that_contradict_the_batch_are_logged_once(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """Of five calls made, and later of six, two are errors and two successes."""
    agent = simulator.add_agent()
    created = clock.now - 60
    moving = simulator.create(agent, created=created, total_count=10, completed_count=5)
    ended = simulator.create(agent, created=created - 1, total_count=7, ended_at=created)
    simulator.update(ended, completed_count=7, error_count=3)
    two = f.Replace({"results": [], "total": 2})
    async with surroundings(
        simulator, account(base_url, agent), clock=clock, batches=COUNTED
    ) as made:
        await made.poll(agent)
        clock.now += 20
        calls = job(made)
        wrong = Fault(path="/api/agents/*/*/*/scheduled_calls", effect=two, times=2)
        with capture_logs() as logs:
            simulator.faults.add(wrong)
            assert await calls.run_once(Run()) == Success(0.0)
            assert await calls.run_once(Run()) == Success(0.0)
            assert asked(simulator) == [moving, moving, ended, ended]
            found = call_status(made, agent)[ended]
            simulator.update(moving, completed_count=6)
            clock.now += 120
            await made.poll(agent)
            simulator.faults.add(wrong)
            await run_all(calls)
        fields = {"account": "main", "agent_id": agent, "batch_id": moving, "completed": 5}
        assert logs == [
            {
                "event": "call_status_contradicts_batch",
                "log_level": "warning",
                "success": 2,
                "errors": 2,
                **fields,
            }
        ]
        assert found is not None
        assert found.calls == (None, None, 4, None, 3)
        found = call_status(made, agent)[moving]
        assert found is not None
        assert found.calls == (None, None, 2, None, 2)


async def test_without_totals_nothing_is_known_and_nothing_asked_again(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent)
    simulator.faults.add(Fault(path="/api/agents/*/*/*/scheduled_calls", effect=f.NoTotal()))
    async with surroundings(
        simulator, account(base_url, agent), clock=clock, batches=COUNTED
    ) as made:
        await made.poll(agent)
        await run_all(job(made))
        found = call_status(made, agent)[batch]
        assert found is not None
        assert found.calls == ()
        assert asked(simulator) == [batch]


async def test_a_batch_whose_calls_are_not_known_keeps_no_other_from_being_asked_for(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent()
    first = simulator.create(agent, created=clock.now - 1)
    second = simulator.create(agent, created=clock.now - 2)
    simulator.faults.add(Fault(path=f"/api/agents/*/*/{first}/*", effect=f.Status(404)))
    async with surroundings(
        simulator, account(base_url, agent), clock=clock, batches=COUNTED
    ) as made:
        await made.poll(agent)
        calls = job(made)
        failure = await calls.run_once(Run())
        assert isinstance(failure, Failure)
        assert (failure.interval, failure.error.reason) == (1, "not_found")
        await run_all(calls)
        assert asked(simulator) == [first, second]
        clock.now += 120
        assert isinstance(await calls.run_once(Run()), Failure)
        assert asked(simulator) == [first, second, first]


async def test_batches_that_are_gone_are_skipped_and_a_failure_is_returned(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent, other = simulator.add_agent(), simulator.add_agent()
    first = simulator.create(agent, created=clock.now - 1)
    second = simulator.create(agent, created=clock.now - 2)
    simulator.create(other, created=clock.now - 3)
    async with surroundings(
        simulator, account(base_url, agent, other), clock=clock, batches=COUNTED
    ) as made:
        for each in (agent, other):
            await made.poll(each)
        calls = job(made)
        fault = simulator.faults.add(
            Fault(path="/api/agents/*/*/*/scheduled_calls", effect=f.Status(402))
        )
        failure = await calls.run_once(Run())
        assert isinstance(failure, Failure)
        assert (failure.interval, failure.error.reason) == (120, "status")
        assert failure.details == {"agent_id": agent}
        fault.remove()
        simulator.delete(second)
        made.store.put_agent(
            replace(made.store.agent(("main", agent)), listing=Listing((), pages=1))
        )
        made.store.remove_agent(("main", other))
        assert await calls.run_once(Run()) == Success(made.config.polling.interval)
        await made.poll(agent)
        assert await calls.run_once(Run()) == Success(0.0)
    assert asked(simulator) == [first] * 2


async def test_an_agent_that_goes_while_its_calls_are_asked_for_stays_gone(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent()
    simulator.create(agent)
    async with surroundings(
        simulator, account(base_url, agent), clock=clock, batches=COUNTED
    ) as made:
        await made.poll(agent)
        gone = f.After(lambda: made.store.remove_agent(("main", agent)))
        simulator.faults.add(Fault(effect=gone, times=1))
        await job(made).run_once(Run())
        assert made.store.snapshot().agents == ()


def test_live_batches_come_first_and_those_without_series_never() -> None:
    live = Batch("live", created=1, total=1, completed=0)
    late = Batch("late", created=5, total=1, completed=0, ended=6)
    early = Batch("early", created=2, total=1, completed=0, ended=4)
    agents = [
        AgentSnapshot(Agent("main", "a", "A"), PollHealth(30)),
        AgentSnapshot(
            Agent("main", "b", "B"), PollHealth(30), Listing((early, late, live), pages=1)
        ),
    ]

    def wanted(batches: Batches) -> list[str]:
        return [batch_id for _, batch_id in due(agents, 10, batches)]

    assert wanted(COUNTED) == ["live", "late", "early"]
    assert wanted(replace(COUNTED, max_per_agent=2)) == ["live", "late"]
    assert wanted(replace(COUNTED, per_batch_series=False)) == []


async def test_no_listing_waits_for_call_status(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """While every request for call status hangs, the agents are polled on their interval."""
    agent = simulator.add_agent()
    simulator.create(agent)
    simulator.faults.add(Fault(path="/api/agents/*/*/*/scheduled_calls", effect=f.Hang()))
    polling = replace(POLLING, interval=0.05)
    async with surroundings(
        simulator, account(base_url, agent), clock=clock, polling=polling, batches=COUNTED
    ) as made:
        running = asyncio.create_task(made.supervisor.run())
        while made.store.agent(("main", agent)).health.polls < 5 or not asked(simulator):
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert len(asked(simulator)) == 1
    assert made.store.agent(("main", agent)).health.failures == {}
