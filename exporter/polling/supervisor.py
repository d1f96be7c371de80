"""An account's loops, and which agents have one."""

import asyncio
from collections.abc import Iterable

import structlog
from msgspec.structs import replace

from exporter.api.schemas import AgentRecord
from exporter.config import Account
from exporter.model import AccountSnapshot, Agent, AgentKey, AgentSnapshot, PollHealth
from exporter.plan import cost
from exporter.polling.account_probe import Probe
from exporter.polling.call_status import Calls
from exporter.polling.context import Context
from exporter.polling.discovery import Discovery
from exporter.polling.poller import AgentPoller
from exporter.polling.schedule import cadence, repeat

log = structlog.get_logger()

FIRST_POLLS = 4.0
"""Seconds over which an account's first polls are spread, so that they do not all coincide."""


def announce(context: Context) -> None:
    """Put the account and its configured agents into the store, not polled yet."""
    account, discover = context.account, context.account.discover
    interval = None if discover is None else discover.interval
    context.store.put_account(AccountSnapshot(account.name, account.requests_per_second, interval))
    for agent in configured(context.account):
        context.store.put_agent(_unpolled(context, agent))


def configured(account: Account) -> tuple[Agent, ...]:
    """Return the agents of the file; one without a name goes by its id until the API names it."""
    return tuple(
        Agent(account.name, agent.id, agent.name or agent.id, agent.labels)
        for agent in account.agents
    )


def _unpolled(context: Context, agent: Agent) -> AgentSnapshot:
    return AgentSnapshot(agent, PollHealth(cadence(context.config.polling, any_live=True)))


async def watch(context: Context) -> None:
    """Run every loop of an announced account, for ever."""
    async with asyncio.TaskGroup() as loops:
        fleet = Fleet(context, loops)
        fleet.start_configured()
        loops.create_task(repeat(Probe(context), context.liveness))
        if context.config.batches.outcomes:
            loops.create_task(repeat(Calls(context), context.liveness))
        if context.account.discover is not None:
            discovery = Discovery(context, context.account.discover, fleet.follow)
            loops.create_task(repeat(discovery, context.liveness))


class Fleet:
    """The agents' loops of one account, held by the account's task group."""

    def __init__(self, context: Context, loops: asyncio.TaskGroup) -> None:
        self._context = context
        self._loops = loops
        self._configured = {agent.key for agent in configured(context.account)}
        self._discovered: dict[AgentKey, asyncio.Task[None]] = {}
        self._affordable = True

    def start_configured(self) -> None:
        """Start a loop for each agent of the file."""
        agents = self._context.account.agents
        for index, agent in enumerate(agents):
            key = (self._context.account.name, agent.id)
            self._start(key, _delay(index, len(agents)), ask_name=agent.name is None)
        self._judge_cost()

    def follow(self, rows: Iterable[AgentRecord]) -> None:
        """Watch these besides the configured ones: new ones start, gone ones leave the store."""
        account = self._context.account.name
        agents = [Agent(account, row.agent_id, row.name or row.agent_id) for row in rows]
        wanted = {agent.key: agent for agent in agents if agent.key not in self._configured}
        for key in self._discovered.keys() - wanted.keys():
            self._leave(key)
        new = [agent for key, agent in wanted.items() if key not in self._discovered]
        for agent in wanted.values():
            if agent.key in self._discovered:
                self._rename(agent)
        for index, agent in enumerate(new):
            self._context.store.put_agent(_unpolled(self._context, agent))
            task = self._start(agent.key, _delay(index, len(new)), ask_name=False)
            self._discovered[agent.key] = task
            log.info("agent_found", account=account, agent_id=agent.agent_id, agent=agent.name)
        self._judge_cost()

    def _judge_cost(self) -> None:
        """Say so, once, when the agents are too many for the limit on requests."""
        agents = len(self._configured) + len(self._discovered)
        found = cost(self._context.account, self._context.config.polling, [1] * agents)
        if self._affordable and not found.affordable:
            log.warning(
                "requests_per_second_too_low",
                account=self._context.account.name,
                agents=agents,
                allowed=found.allowed,
                wanted_without_live_batches=round(found.idle, 2),
                wanted_when_all_have_live_batches=round(found.busy, 2),
            )
        self._affordable = found.affordable

    def _start(self, key: AgentKey, delay: float, *, ask_name: bool) -> asyncio.Task[None]:
        poller = AgentPoller(self._context, key, ask_name=ask_name)
        return self._loops.create_task(poller.run(delay))

    def _leave(self, key: AgentKey) -> None:
        self._discovered.pop(key).cancel()
        self._context.store.remove_agent(key)
        log.info("agent_gone", account=key[0], agent_id=key[1])

    def _rename(self, agent: Agent) -> None:
        snapshot = self._context.store.agent(agent.key)
        self._context.store.put_agent(replace(snapshot, agent=agent))


def _delay(index: int, count: int) -> float:
    """Return when the first of `count` loops starts, so that they are spread and yet prompt."""
    return FIRST_POLLS * index / count
