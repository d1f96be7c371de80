"""Starts and stops the jobs of an account."""

import asyncio
from collections.abc import Iterable

import structlog
from msgspec.structs import replace

from exporter.api.schemas import AgentRecord
from exporter.config import Account, Config, is_agent_id
from exporter.errors import ApiError
from exporter.model import AccountSnapshot, Agent, AgentKey, AgentSnapshot, PollHealth
from exporter.plan import cost
from exporter.polling.account_probe import AccountProbe
from exporter.polling.call_status import CallStatusJob
from exporter.polling.discovery import Discovery
from exporter.polling.health_log import HealthLog
from exporter.polling.heartbeat import Heartbeat
from exporter.polling.job import Access, Failure, Job, Run
from exporter.polling.poll_slots import PollSlots
from exporter.polling.poller import AgentPoller
from exporter.polling.schedule import OnCrash, poll_interval, run_periodically

log = structlog.get_logger()

FIRST_POLLS = 4.0
"""Seconds over which an account's first polls are spread, so that they do not all coincide."""


class Supervisor:
    """Runs the jobs of one account, in one task group.

    The account and its configured agents are in the store from the beginning, not polled yet.
    """

    def __init__(
        self, account: Account, config: Config, access: Access, heartbeat: Heartbeat
    ) -> None:
        self._account = account
        self._config = config
        self._access = access
        self._heartbeat = heartbeat
        self._slots = PollSlots(access.client.limiter)
        self._health_log = HealthLog(account.name)
        self._jobs = asyncio.TaskGroup()
        self._configured = configured(account)
        self._discovered: dict[AgentKey, asyncio.Task[None]] = {}
        self._skipped: frozenset[str] = frozenset()
        self._affordable = True
        self._register()

    def _register(self) -> None:
        """Put the account and its configured agents into the store."""
        account, discover = self._account, self._account.discover
        interval = None if discover is None else discover.interval
        store = self._access.store
        store.put_account(AccountSnapshot(account.name, account.requests_per_second, interval))
        for agent in self._configured:
            store.put_agent(self._not_polled(agent))

    def _not_polled(self, agent: Agent) -> AgentSnapshot:
        return AgentSnapshot(agent, PollHealth(poll_interval(self._config.polling, any_live=True)))

    async def run(self) -> None:
        """Run every job of the account until it is cancelled."""
        account, config = self._account, self._config
        async with self._jobs:
            self.start_configured()
            self._start(AccountProbe(self._access, config.polling), self._fail_probe)
            if config.batches.outcomes:
                call_status = CallStatusJob(self._access, config.batches, config.polling)
                self._start(call_status, self._fail)
            if account.discover is not None:
                discovery = Discovery(
                    self._access, account.discover, config.polling, self.update_agents
                )
                self._start(discovery, discovery.fail)

    def start_configured(self) -> None:
        """Start the job of each configured agent."""
        agents = self._account.agents
        for index, agent in enumerate(agents):
            job = self._poller(agent.id, ask_name=agent.name is None)
            self._start(job, job.fail, _delay(index, len(agents)))
        self._warn_of_cost()

    def update_agents(self, records: Iterable[AgentRecord]) -> None:
        """Poll these agents besides the configured ones: start new jobs, stop those of gone agents.

        A gone agent leaves the store; a renamed one has its new name at once.
        """
        account = self._account.name
        agents = [
            Agent(account, each.agent_id, each.name or each.agent_id)
            for each in self._with_usable_ids(records)
        ]
        fixed = {agent.key for agent in self._configured}
        wanted = {agent.key: agent for agent in agents if agent.key not in fixed}
        for key in self._discovered.keys() - wanted.keys():
            self._remove(key)
        new = [agent for key, agent in wanted.items() if key not in self._discovered]
        for agent in wanted.values():
            if agent.key in self._discovered:
                self._rename(agent)
        for index, agent in enumerate(new):
            self._add(agent, _delay(index, len(new)))
        self._warn_of_cost()

    def _with_usable_ids(self, records: Iterable[AgentRecord]) -> list[AgentRecord]:
        """Return the agents that can be asked for; log each other one when it is new."""
        records = list(records)
        skipped = frozenset(each.agent_id for each in records if not is_agent_id(each.agent_id))
        for agent_id in sorted(skipped - self._skipped):
            problem = "the id is not one segment of a URL's path: the agent is not polled"
            log.warning(
                "agent_skipped", account=self._account.name, agent_id=agent_id, problem=problem
            )
        self._skipped = skipped
        return [each for each in records if each.agent_id not in skipped]

    def _add(self, agent: Agent, delay: float) -> None:
        self._access.store.put_agent(self._not_polled(agent))
        job = self._poller(agent.agent_id, ask_name=False)
        self._discovered[agent.key] = self._start(job, job.fail, delay)
        log.info(
            "agent_discovered", account=agent.account, agent_id=agent.agent_id, agent=agent.name
        )

    def _remove(self, key: AgentKey) -> None:
        self._discovered.pop(key).cancel()
        self._access.store.remove_agent(key)
        log.info("agent_removed", account=key[0], agent_id=key[1])

    def _rename(self, agent: Agent) -> None:
        snapshot = self._access.store.agent(agent.key)
        self._access.store.put_agent(replace(snapshot, agent=agent))

    def _poller(self, agent_id: str, *, ask_name: bool) -> AgentPoller:
        config = self._config
        return AgentPoller(
            self._access, agent_id, config.polling, config.batches, ask_name=ask_name
        )

    def _start(self, job: Job, on_crash: OnCrash, delay: float = 0.0) -> asyncio.Task[None]:
        running = run_periodically(
            job, self._slots, self._heartbeat, self._health_log, on_crash, delay
        )
        return self._jobs.create_task(running)

    def _fail(self, error: ApiError, _run: Run) -> Failure:
        return Failure(self._config.polling.interval, error)

    def _fail_probe(self, error: ApiError, run: Run) -> Failure:
        store = self._access.store
        store.put_account(replace(store.account(self._account.name), up=False))
        return self._fail(error, run)

    def _warn_of_cost(self) -> None:
        """Warn once when the agents begin to be too many for the rate limit."""
        agents = len(self._configured) + len(self._discovered)
        found = cost(self._account, self._config.polling, [1] * agents)
        if self._affordable and not found.affordable:
            log.warning(
                "rate_limit_exceeded_by_plan",
                account=self._account.name,
                agents=agents,
                requests_per_second=found.allowed,
                needed_without_live_batches=round(found.idle, 2),
                needed_when_all_have_live_batches=round(found.busy, 2),
            )
        self._affordable = found.affordable


def configured(account: Account) -> tuple[Agent, ...]:
    """Return the configured agents; the id is the name until the API gives one."""
    return tuple(
        Agent(account.name, agent.id, agent.name or agent.id, agent.labels)
        for agent in account.agents
    )


def _delay(index: int, count: int) -> float:
    """Return the seconds after which job `index` of `count` starts: all within FIRST_POLLS."""
    return FIRST_POLLS * index / count
