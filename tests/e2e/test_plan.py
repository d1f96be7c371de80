"""`check --live` predicts the number of requests that polling needs."""

import asyncio

from exporter import app
from exporter.config import Account, Config, Discover, Key, Polling, Secret
from exporter.polling.preflight import preflight
from exporter.simulator import Account as SimulatedAccount
from exporter.simulator import Simulator, serve
from exporter.web.address import Address
from tests.support.builders import connecting
from tests.support.virtual import VirtualLoop

AGENTS, BUSY = 1000, 20
MINUTES = 4
"""A multiple of every interval: idle and busy agents, the account probe, discovery."""


def test_a_thousand_agents_need_the_planned_number_of_requests() -> None:
    """The simulator counts the requests of four minutes of virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        counted, plan = runner.run(counted_and_planned(loop))
    assert abs(counted - plan) / plan < 0.02, (counted, plan)


async def counted_and_planned(loop: VirtualLoop) -> tuple[float, float]:
    """Return requests per minute: counted after the first polls of all agents, and planned."""
    simulator = Simulator(SimulatedAccount(name="many"), clock=loop.wall_clock)
    agents = [simulator.add_agent() for _ in range(AGENTS)]
    for agent in agents[:BUSY]:
        simulator.create(agent, total_count=10, completed_count=4)
    async with serve(simulator) as base_url:
        account = Account(
            "main",
            base_url,
            requests_per_second=20.0,
            api_key_env="KEY",
            discover=Discover(interval=120.0),
        )
        config = Config((account,), Polling())
        async with connecting(base_url, simulator.api_key) as api:
            found = await preflight(api, account, config.polling, loop.wall_clock)
        assert found.plan is not None
        keys = {"main": Key("main", Secret(simulator.api_key))}
        options = app.Options((Address("127.0.0.1", 0),), clock=loop.wall_clock)
        running = asyncio.create_task(app.run(config, keys, options))
        await asyncio.sleep(config.polling.idle_interval + AGENTS / account.requests_per_second)
        simulator.requests.clear()
        await asyncio.sleep(60 * MINUTES)
        counted = len(simulator.requests) / MINUTES
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return counted, 60 * found.plan.now
