"""The request rate that polling needs, compared with the account's rate limit. Pure.

Each poll of an agent reads some pages of its listing: one page, if all live batches are on the
first. Full listings, account probes and discovery add to that. Requests for the call status are not
included: they run only when no other request waits.
"""

from collections.abc import Iterable

import msgspec

from exporter.config import Account, Polling
from exporter.model import AccountSnapshot, AgentSnapshot


class Load(msgspec.Struct, frozen=True):
    """The requests for one agent: `pages` every `interval` seconds.

    `full_pages` is the number of pages of a full listing.
    """

    interval: float
    pages: int = 1
    full_pages: int = 1


class Cost(msgspec.Struct, frozen=True):
    """Rates of an account, in requests per second.

    `idle` is needed when no agent has live batches, `busy` when all agents have, `allowed` is the
    configured rate limit.
    """

    idle: float
    busy: float
    allowed: float

    @property
    def affordable(self) -> bool:
        """Return whether the rate limit is enough when all agents have live batches."""
        return self.busy <= self.allowed


def requests_per_second(
    loads: Iterable[Load], polling: Polling, discovery_interval: float | None, discovery_pages: int
) -> float:
    """Return the rate that agents, the account probe and discovery need, in requests per second.

    `discovery_interval` is in seconds, None without discovery.
    """
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
    """Return the cost of an account; `full_pages` has the pages of each agent's full listing."""
    pages = list(full_pages)
    discovery = None if account.discover is None else account.discover.interval

    def rate(interval: float) -> float:
        loads = [Load(interval, full_pages=each) for each in pages]
        return requests_per_second(loads, polling, discovery, discovery_pages)

    return Cost(rate(polling.idle_interval), rate(polling.interval), account.requests_per_second)


def current_load(snapshot: AgentSnapshot) -> Load:
    """Return the load of an agent, as its last listings and its current interval make it."""
    full = snapshot.pages.get("full", 1)
    ordered = snapshot.listing is None or snapshot.listing.ordered
    pages = snapshot.pages.get("incremental", full) if ordered else full
    return Load(snapshot.health.interval, pages, full)


def planned_rate(
    account: AccountSnapshot, agents: Iterable[AgentSnapshot], polling: Polling
) -> float:
    """Return the rate that an account with these agents needs now, in requests per second."""
    found = account.discovery
    return requests_per_second(
        map(current_load, agents), polling, account.discovery_interval, found.pages if found else 1
    )
