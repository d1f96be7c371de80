"""Fixtures: a simulated account that does not change by itself, served over real HTTP."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from exporter.simulator import Account
from tests.fake_api import Simulator, serve
from tests.support.builders import Clock

# No test depends on how fast the machine is.
settings.register_profile("default", deadline=None)
settings.load_profile("default")

NOW = 1_800_000_000.0


@pytest.fixture
def clock() -> Clock:
    """Return a clock that shows 2027-01-15 08:00 UTC until a test moves it."""
    return Clock(NOW)


@pytest.fixture
def simulator(clock: Clock) -> Simulator:
    """Return an empty account that uses the clock."""
    return Simulator(Account(name="empty"), clock=clock)


@pytest.fixture
async def base_url(simulator: Simulator) -> AsyncIterator[str]:
    """Serve the simulator and yield its address."""
    async with serve(simulator) as url:
        yield url
