"""Fixtures: a fake API whose clock does not move, served over real HTTP."""

from collections.abc import AsyncIterator

import pytest

from exporter.simulator import Account
from tests.fake_api import Simulator, serve
from tests.simulator.support import Client, Clock, client_of


@pytest.fixture
def simulator() -> Simulator:
    """Return an account without agents."""
    return Simulator(Account(name="test"), clock=Clock())


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[Client]:
    """Serve that simulator to a client."""
    async with serve(simulator) as url, client_of(url) as client:
        yield client
