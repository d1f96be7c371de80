"""The preflight of `check --live`: ask each account once, and calculate what polling will cost."""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus

import msgspec

from exporter.api.client import Client
from exporter.api.deadline import UNWATCHED, Deadline, Watch
from exporter.api.decoding import Page, Record
from exporter.api.schemas import BatchRecord
from exporter.config import Account, Polling
from exporter.errors import (
    ApiError,
    AuthError,
    LoopError,
    NotFoundError,
    PayloadError,
    RateLimitedError,
    StatusError,
    TimedOutError,
    UnreachableError,
    UnreadableRecord,
)
from exporter.plan import Cost, Load, cost, requests_per_second
from exporter.polling.discovery import matching, matching_glob, read_agents
from exporter.polling.poll_slots import PollSlots
from exporter.polling.schedule import poll_interval

LARGEST_CLOCK_DIFFERENCE = 60.0
"""Seconds. Beyond that, batch states and remaining windows are noticeably wrong."""


class AgentReport(msgspec.Struct, frozen=True):
    """An agent's newest page: whether it has a live batch, and the pages of a full listing.

    `name` is empty where it is not known. `pages` is a minimum where the API sends no `total`.
    `problem` is the reason why the rest is not known.
    """

    agent_id: str
    name: str
    live: bool = False
    pages: int = 1
    problem: str | None = None


class Plan(msgspec.Struct, frozen=True):
    """Pages of all full listings, and requests per second: `cost` in general, and `now`."""

    full_pages: int
    cost: Cost
    now: float


class AccountReport(msgspec.Struct, frozen=True):
    """The preflight of one account. `plan` is None where the account or discovery failed.

    `clock_ahead` is how many seconds this machine's clock is ahead of the API's, exact to 1 s.
    """

    account: str
    problems: tuple[str, ...]
    clock_ahead: float | None = None
    agents: tuple[AgentReport, ...] = ()
    plan: Plan | None = None

    @property
    def passed(self) -> bool:
        """Return whether no problem was found."""
        return not self.problems and all(agent.problem is None for agent in self.agents)


async def preflight(
    client: Client, account: Account, polling: Polling, clock: Callable[[], float]
) -> AccountReport:
    """Return a report on the account, its agents, and the newest page of each agent's batches."""
    ahead: float | None = None
    try:
        async with Deadline(polling.timeout) as deadline:
            await client.account(deadline)
        ahead = None if client.server_clock.date is None else clock() - client.server_clock.date
        async with Deadline(polling.timeout) as deadline:
            names, pages, problems = await _agents(client, account, deadline)
    except ApiError as error:
        return AccountReport(account.name, (describe(error),), ahead)
    slots = PollSlots(client.limiter)
    asking = (_agent(client, slots, *each, polling.timeout) for each in names.items())
    agents = tuple(await asyncio.gather(*asking))
    plan = planned(account, polling, agents, pages)
    problems = (*problems, *_clock_problem(ahead), *_cost_problem(plan.cost))
    return AccountReport(account.name, problems, ahead, agents, plan)


async def _agents(
    client: Client, account: Account, deadline: Deadline
) -> tuple[dict[str, str], int, tuple[str, ...]]:
    """Return all agents to watch, name by id; the pages that discovery read; and its problems."""
    names = {agent.id: agent.name or "" for agent in account.agents}
    if account.discover is None:
        return names, 0, ()
    read = await read_agents(client.agents(deadline))
    records = read.records
    found = {record.agent_id: record.name or "" for record in matching(records, account.discover)}
    problems = tuple(
        f"discover.include: {glob!r} matches none of {len(records)} agents: correct or remove it"
        for glob in account.discover.include
        if not matching_glob(records, glob)
    )
    names = found | {key: name or found.get(key, "") for key, name in names.items()}
    return names, read.pages, (*problems, *_unreadable_problem("agents", read.unreadable))


async def _agent(
    client: Client, slots: PollSlots, agent_id: str, name: str, seconds: float
) -> AgentReport:

    async def ask(_watch: Watch) -> tuple[Page[BatchRecord], str]:
        async with Deadline(seconds) as deadline:
            page = await client.first_batches(agent_id, deadline)
            return page, name or await _name(client, agent_id, deadline)

    try:
        page, name = await slots.run(ask, UNWATCHED)
    except NotFoundError as error:
        problem = f"no agent has this id (HTTP {error.status}): correct it or remove the agent"
        return AgentReport(agent_id, name, problem=problem)
    except ApiError as error:
        return AgentReport(agent_id, name, problem=describe(error))
    live = any(record.ended_at is None for record in page.results)
    live = live or any(record.live for record in page.unreadable)
    unreadable = _unreadable_problem("batches", page.unreadable)
    return AgentReport(agent_id, name, live, full_pages(page), "; ".join(unreadable) or None)


async def _name(client: Client, agent_id: str, deadline: Deadline) -> str:
    """Return the API's name of an agent; empty where it has none, or the request fails."""
    try:
        return (await client.agent(agent_id, deadline)).name or ""
    except ApiError:
        return ""


def full_pages(page: Page[Record]) -> int:
    """Return the pages of the listing that begins with this page; 2 or more without a total."""
    if not page.next:
        return 1
    size = max(len(page.results) + len(page.unreadable), 1)
    return 2 if page.total is None else math.ceil(page.total / size)


def planned(
    account: Account, polling: Polling, agents: Iterable[AgentReport], discovery_pages: int
) -> Plan:
    """Return what polling these agents costs."""
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


def describe(error: ApiError) -> str:
    """Return what is wrong and what to do, for a reader who does not know the code."""
    kind = (
        HTTPStatus.PAYMENT_REQUIRED if error.status == HTTPStatus.PAYMENT_REQUIRED else type(error)
    )
    return _EXPLANATIONS[kind].format(status=f"HTTP {error.status}", detail=error)


_EXPLANATIONS: Mapping[type[ApiError] | HTTPStatus, str] = {
    AuthError: "API key rejected ({status}): put a valid key into api_key_file or api_key_env",
    RateLimitedError: "too many requests ({status}): lower requests_per_second, or try again later",
    TimedOutError: "no answer in time ({detail}): check the network, or raise polling.timeout",
    UnreachableError: "API not reachable ({detail}): check base_url, DNS, firewall and TLS",
    HTTPStatus.PAYMENT_REQUIRED: "payment required ({status}): check the account's subscription",
    StatusError: "unexpected answer ({status}): check base_url, or try again later",
    NotFoundError: "not found ({status}): check base_url",
    PayloadError: "answer not as documented ({detail}): check base_url, or report it as a bug",
    LoopError: "the list of agents has no end ({detail}): try again later, or report it as a bug",
}


def _unreadable_problem(kind: str, records: Sequence[UnreadableRecord]) -> tuple[str, ...]:
    if not records:
        return ()
    problem = f"{len(records)} {kind} can't be read (the first is {records[0]})"
    return (f"{problem}: the rest are watched: report it as a bug",)


def _clock_problem(ahead: float | None) -> tuple[str, ...]:
    if ahead is None or abs(ahead) <= LARGEST_CLOCK_DIFFERENCE:
        return ()
    side = "ahead of" if ahead > 0 else "behind"
    problem = f"clock: this machine is {abs(ahead):.0f} s {side} the API"
    return (f"{problem}: batch states are wrong by that time: synchronise the clock (NTP)",)


def _cost_problem(found: Cost) -> tuple[str, ...]:
    if found.affordable:
        return ()
    needed = f"{found.idle:.3g} with no live batches, {found.busy:.3g} if every agent has some"
    problem = f"requests_per_second: {found.allowed:g} is too low (needed: {needed})"
    return (f"{problem}: polls will be late: raise it, or raise polling.interval",)
