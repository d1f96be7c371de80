"""Request cost grows with live batches, not with history."""

from exporter.config import Polling
from exporter.model import AgentSnapshot
from exporter.simulator import Simulator
from tests.support.builders import Clock, account, surroundings

HISTORY, LIVE = 10_000, 10
DAY = 86_400.0
POLLING = Polling(interval=30.0, full_listing_interval=900.0)


async def test_a_long_history_costs_its_pages_once_in_a_full_listing_interval(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """Between full listings a poll costs one request, or two where a page is full of new batches.

    After each poll everything is known, batches included that end, appear or appear late.
    """
    agent = simulator.add_agent()
    for index in range(HISTORY):
        created = clock.now - 10 * DAY - 60 * index
        simulator.create(agent, created=created, ended_at=created + DAY, completed_count=1)
    live = [
        simulator.create(agent, created=clock.now - 3600 * index, total_count=99)
        for index in range(LIVE)
    ]
    recent = list(live)
    opened = surroundings(simulator, account(base_url, agent), clock=clock, polling=POLLING)
    async with opened as made:

        async def poll() -> tuple[int, AgentSnapshot]:
            before = len(simulator.requests)
            await made.poll(agent)
            snapshot = made.store.agent(("main", agent))
            assert snapshot.listing is not None
            known = {
                each.batch_id: (each.completed, each.ended) for each in snapshot.listing.batches
            }
            true = [simulator.batch(agent, batch) for batch in recent]
            assert known == {each.batch_id: (each.completed_count, each.ended_at) for each in true}
            assert snapshot.listing.reported == HISTORY + len(recent)
            return len(simulator.requests) - before, snapshot

        requests, snapshot = await poll()
        assert (requests, snapshot.pages) == (101, {"full": 101})
        for number in range(29):
            clock.now += POLLING.interval
            simulator.update(live[number % LIVE], completed_count=number)
            requests, snapshot = await poll()
            assert (requests, snapshot.pages) == (1, {"full": 101, "incremental": 1})

        clock.now += POLLING.interval
        simulator.update(live[0], completed_count=99, ended_at=clock.now)
        recent += [simulator.create(agent, created=clock.now - 300) for _ in range(100)]
        requests, snapshot = await poll()
        assert (requests, snapshot.pages) == (102, {"full": 102, "incremental": 1})

        clock.now += POLLING.interval
        simulator.update(live[1], completed_count=99, ended_at=clock.now)
        recent.append(simulator.create(agent, created=clock.now - 599))
        requests, snapshot = await poll()
        assert (requests, snapshot.pages) == (2, {"full": 102, "incremental": 2})
