"""What the accounts answer, and what polling them will cost, before any of it is done."""

import asyncio
import math
from collections.abc import Callable, Iterable

import msgspec

from exporter.api.client import Client
from exporter.api.deadline import Deadline
from exporter.api.schemas import Page, Record
from exporter.config import Account, Polling
from exporter.errors import ApiError
from exporter.plan import Cost, Load, cost, requests_per_second
from exporter.polling.discovery import matching, matching_glob, read_agents
from exporter.polling.poll_slots import PollSlots
from exporter.polling.schedule import poll_interval

LARGEST_CLOCK_DIFFERENCE = 60.0
"""Seconds; beyond that, states and remaining windows are told wrongly."""


class AgentFinding(msgspec.Struct, frozen=True):
    """What an agent's newest page says: whether it has a live batch, how many pages there are.

    Without a `total` the pages are at least as many as said. `problem` is why nothing is known.
    """

    agent_id: str
    name: str
    live: bool = False
    pages: int = 1
    problem: str | None = None


class Plan(msgspec.Struct, frozen=True):
    """Pages of all full listings, and requests a second: cost in general, and as it is now."""

    full_pages: int
    cost: Cost
    now: float


class Finding(msgspec.Struct, frozen=True):
    """What an account answered. Without a plan, it did not get that far.

    `clock_ahead` is how many seconds this machine's clock is ahead of the API's, about.
    """

    account: str
    problems: tuple[str, ...]
    clock_ahead: float | None = None
    agents: tuple[AgentFinding, ...] = ()
    plan: Plan | None = None

    @property
    def well(self) -> bool:
        """Whether everything would work."""
        return not self.problems and all(agent.problem is None for agent in self.agents)


async def survey(
    client: Client, account: Account, polling: Polling, clock: Callable[[], float]
) -> Finding:
    """Ask for the account, its agents, and one page of each agent's batches."""
    ahead: float | None = None
    try:
        async with Deadline(polling.timeout) as deadline:
            await client.account(deadline)
        ahead = None if client.server_time is None else clock() - client.server_time
        async with Deadline(polling.timeout) as deadline:
            names, pages, problems = await _agents(client, account, deadline)
    except ApiError as error:
        return Finding(account.name, (said(error),), ahead)
    slots = PollSlots(client.limiter)
    asking = (_agent(client, slots, *each, polling.timeout) for each in names.items())
    agents = tuple(await asyncio.gather(*asking))
    plan = planned(account, polling, agents, pages)
    problems = (*problems, *_clock_problem(ahead), *_cost_problem(plan.cost))
    return Finding(account.name, problems, ahead, agents, plan)


async def _agents(
    client: Client, account: Account, deadline: Deadline
) -> tuple[dict[str, str], int, tuple[str, ...]]:
    """Return the names of all agents to watch by id, the pages discovery took, and its problems."""
    names = {agent.id: agent.name or "" for agent in account.agents}
    if account.discover is None:
        return names, 0, ()
    rows, pages = await read_agents(client.agents(deadline))
    found = {row.agent_id: row.name or "" for row in matching(rows, account.discover)}
    problems = tuple(
        f"discover.include: {glob!r} matches none of {len(rows)} agents"
        for glob in account.discover.include
        if not matching_glob(rows, glob)
    )
    return found | {key: name or found.get(key, "") for key, name in names.items()}, pages, problems


async def _agent(
    client: Client, slots: PollSlots, agent_id: str, name: str, seconds: float
) -> AgentFinding:
    try:
        async with slots.slot(failing=False), Deadline(seconds) as deadline:
            page = await client.first_batches(agent_id, deadline)
    except ApiError as error:
        return AgentFinding(agent_id, name, problem=said(error))
    live = any(row.ended_at is None for row in page.results)
    return AgentFinding(agent_id, name, live, full_pages(page))


def full_pages(page: Page[Record]) -> int:
    """Return how many pages a listing has that begins with this one; at least 2 without a total."""
    if not page.next:
        return 1
    return 2 if page.total is None else math.ceil(page.total / max(len(page.results), 1))


def planned(
    account: Account, polling: Polling, agents: Iterable[AgentFinding], discovery_pages: int
) -> Plan:
    """Return what polling these agents will cost."""
    agents = list(agents)
    pages = [agent.pages for agent in agents]
    loads = [
        Load(poll_interval(polling, any_live=agent.live), full_pages=agent.pages)
        for agent in agents
    ]
    interval = None if account.discover is None else account.discover.interval
    return Plan(
        sum(pages),
        cost(account, polling, pages, discovery_pages),
        requests_per_second(loads, polling, interval, discovery_pages),
    )


def said(error: ApiError) -> str:
    """Return an API error as a problem."""
    return f"{error.reason}: {error}"


def _clock_problem(ahead: float | None) -> tuple[str, ...]:
    if ahead is None or abs(ahead) <= LARGEST_CLOCK_DIFFERENCE:
        return ()
    return (f"clock: this machine's is {ahead:+.0f} s off the API's: windows are told wrongly",)


def _cost_problem(found: Cost) -> tuple[str, ...]:
    if found.affordable:
        return ()
    needed = f"{found.busy:.3g} with live batches everywhere, {found.idle:.3g} with nothing live"
    return (f"requests_per_second: {found.allowed:g} allowed, {needed}: polls will come late",)
