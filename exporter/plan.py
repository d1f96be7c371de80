"""What polling costs: requests a second, against the limit of the account. Pure.

An agent's poll takes the pages of its listing: one where the live batches are on the first page.
Full listings come besides, and so do the account's probe and discovery. What outcomes cost is not
in it: they take what is left.
"""

from collections.abc import Iterable

import msgspec

from exporter.config import Account, Polling
from exporter.model import AccountSnapshot, AgentSnapshot


class Load(msgspec.Struct, frozen=True):
    """What one agent takes: pages each `interval` seconds, and the pages of a full listing."""

    interval: float
    pages: int = 1
    full_pages: int = 1


class Cost(msgspec.Struct, frozen=True):
    """Requests a second of an account: when no agent has live batches, when all have, allowed."""

    idle: float
    busy: float
    allowed: float

    @property
    def affordable(self) -> bool:
        """Whether every agent can be polled at its cadence, whatever is live."""
        return self.busy <= self.allowed


def requests_per_second(
    loads: Iterable[Load], polling: Polling, discovery_interval: float | None, discovery_pages: int
) -> float:
    """Return what the agents, the probe and discovery (None: there is none) add up to."""
    agents = sum(
        load.pages / load.interval
        + max(load.full_pages - load.pages, 0) / polling.full_listing_interval
        for load in loads
    )
    discovery = 0.0 if discovery_interval is None else discovery_pages / discovery_interval
    return agents + 1 / polling.interval + discovery


def cost(
    account: Account, polling: Polling, full_pages: Iterable[int], discovery_pages: int = 1
) -> Cost:
    """Return what an account costs with agents whose full listings have so many pages each."""
    pages = list(full_pages)
    discovery = None if account.discover is None else account.discover.interval

    def at(interval: float) -> float:
        loads = [Load(interval, full_pages=each) for each in pages]
        return requests_per_second(loads, polling, discovery, discovery_pages)

    return Cost(at(polling.idle_interval), at(polling.interval), account.requests_per_second)


def load_of(snapshot: AgentSnapshot) -> Load:
    """Return what an agent takes as it is polled now."""
    full = snapshot.pages.get("full", 1)
    ordered = snapshot.listing is None or snapshot.listing.ordered
    pages = snapshot.pages.get("incremental", full) if ordered else full
    return Load(snapshot.health.interval, pages, full)


def planned(account: AccountSnapshot, agents: Iterable[AgentSnapshot], polling: Polling) -> float:
    """Return the requests a second that the cadences in force now add up to."""
    found = account.discovery
    return requests_per_second(
        map(load_of, agents), polling, account.discovery_interval, found.pages if found else 1
    )
