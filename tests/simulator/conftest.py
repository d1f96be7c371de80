"""Fixtures: a simulator whose clock does not move, served over real HTTP."""

from collections.abc import AsyncIterator

import pytest

from exporter.simulator import Account, Simulator
from tests.simulator.support import Client, Clock, serving


@pytest.fixture
def clock() -> Clock:
    """Return a clock at the epoch."""
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Simulator:
    """Return an account without agents."""
    return Simulator(Account(name="test"), clock=clock)


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[Client]:
    """Serve that simulator to a client."""
    async with serving(simulator) as client:
        yield client
