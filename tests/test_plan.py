"""The request rate that polling needs, in requests per second."""

import pytest

from exporter.config import Account, Discover, Polling
from exporter.model import (
    AccountSnapshot,
    Agent,
    AgentSnapshot,
    DiscoveryHealth,
    Listing,
    PollHealth,
)
from exporter.plan import Load, cost, current_load, planned_rate, requests_per_second

POLLING = Polling(interval=20, idle_interval=100, full_listing_interval=1000)
UNPOLLED = AgentSnapshot(Agent("main", "a", "A"), PollHealth(20))


def listed(*, ordered: bool = True, **pages: int) -> AgentSnapshot:
    """Return an agent whose last listings read these numbers of pages, by kind."""
    listing = Listing((), pages=1, ordered=ordered)
    return AgentSnapshot(UNPOLLED.agent, PollHealth(20), listing, pages)  # type: ignore[arg-type]  # mypy sees any key


def test_polls_full_listings_the_probe_and_discovery_add_up() -> None:
    loads = [Load(20, pages=2, full_pages=12), Load(100)]
    assert requests_per_second(loads, POLLING, None, 0) == pytest.approx(
        2 / 20 + 10 / 1000 + 1 / 100 + 1 / 20
    )
    assert requests_per_second([], POLLING, 300, 3) == pytest.approx(1 / 20 + 3 / 300)


def test_the_cost_has_the_rate_with_no_live_batches_and_with_live_batches_everywhere() -> None:
    account = Account("main", requests_per_second=0.5, discover=Discover(interval=50))
    found = cost(account, POLLING, [1] * 9)
    assert found.idle == pytest.approx(0.16)
    assert found.busy == pytest.approx(0.52)
    assert not found.affordable
    assert cost(account, POLLING, [1] * 8).affordable
    assert cost(account, POLLING, [101], discovery_pages=5).idle == pytest.approx(0.26)


@pytest.mark.parametrize(
    ("snapshot", "load"),
    [
        (UNPOLLED, Load(20)),
        (listed(full=9), Load(20, 9, 9)),
        (listed(full=9, incremental=2), Load(20, 2, 9)),
        (listed(full=9, incremental=2, ordered=False), Load(20, 9, 9)),
    ],
)
def test_the_load_of_an_agent_is_that_of_its_last_listings(
    snapshot: AgentSnapshot, load: Load
) -> None:
    assert current_load(snapshot) == load


def test_the_planned_rate_follows_the_current_intervals() -> None:
    account = AccountSnapshot("main", 5.0, discovery_interval=100)
    assert planned_rate(account, [listed(full=1)], POLLING) == pytest.approx(0.05 + 0.05 + 0.01)
    found = AccountSnapshot("main", 5.0, 100, discovery=DiscoveryHealth(up=True, pages=7))
    assert planned_rate(found, [], POLLING) == pytest.approx(0.05 + 0.07)
