"""Fixtures: a simulated account that stands still, served over real HTTP."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from exporter.simulator import Account
from tests.fake_api import Simulator, serve
from tests.support.builders import Clock

# How fast a machine is decides no test.
settings.register_profile("default", deadline=None)
settings.load_profile("default")

NOW = 1_800_000_000.0


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands at 2027-01-15 08:00 UTC."""
    return Clock(NOW)


@pytest.fixture
def simulator(clock: Clock) -> Simulator:
    """Return an empty account whose time is the clock's."""
    return Simulator(Account(name="empty"), clock=clock)


@pytest.fixture
async def base_url(simulator: Simulator) -> AsyncIterator[str]:
    """Serve the simulator and yield its address."""
    async with serve(simulator) as url:
        yield url
