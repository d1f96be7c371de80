"""The job of an agent: listing, name, health."""

import asyncio
import math
from collections.abc import Mapping

import structlog
from msgspec.structs import replace

from exporter.api.deadline import Deadline
from exporter.config import Batches, Polling
from exporter.errors import ApiError
from exporter.model import AgentKey, Listing
from exporter.polling.health_log import UnreadableLog
from exporter.polling.job import Access, Events, Failure, Outcome, Run, Success
from exporter.polling.listing import read, target_after
from exporter.polling.schedule import backed_off
from exporter.polling.transitions import Poll, failed, interval_in_failure, succeeded

log = structlog.get_logger()

NAME_REFRESH = 3600.0
"""Seconds between two requests for a name that the API gives."""


class AgentPoller:
    """Polls one agent, which the store has already, and replaces the agent's snapshot.

    With `ask_name` the API is asked for the agent's name each `name_refresh` seconds: for agents
    that the file lists without a name. Discovery brings the names of the agents it discovers.
    """

    needs_poll_slot = True
    events = Events("agent_poll_succeeded", "agent_poll_failed", "agent_recovered")

    def __init__(
        self,
        access: Access,
        agent_id: str,
        polling: Polling,
        batches: Batches,
        *,
        ask_name: bool,
        name_refresh: float = NAME_REFRESH,
    ) -> None:
        self._access = access
        self._key: AgentKey = (access.account, agent_id)
        self._polling = polling
        self._keep_ended = batches.keep_ended
        self._name_refresh = name_refresh
        self._unreadable = UnreadableLog(
            access.account, "batch_records_unreadable", "batch_records_recovered"
        )
        self._name_due = -math.inf if ask_name else math.inf
        self._name_failures = 0
        self._began, self._started = 0.0, 0.0
        self.name = "agent " + "/".join(self._key)
        self.budget = 2 * polling.timeout

    def log_fields(self) -> Mapping[str, str]:
        """Return the agent's id and name."""
        agent = self._access.store.agent(self._key).agent
        return {"agent_id": agent.agent_id, "agent": agent.name}

    async def run_once(self, run: Run) -> Outcome:
        """Poll once and replace the agent's snapshot; then ask for the name when that is due."""
        access, clock = self._access, asyncio.get_running_loop().time
        self._began, self._started = access.clock(), clock()
        result = await self._listing(self._began, run)
        if isinstance(result, ApiError):
            return self.fail(result, run)
        previous, poll = access.store.agent(self._key), self._poll()
        following = succeeded(previous, poll, result, self._polling)
        access.store.put_agent(following)
        self._put_clock_offset()
        self._unreadable.note(result.unreadable, self.log_fields())
        await self._refresh_name(run)
        details = {
            "batches": len(result.batches),
            "listing": result.kind,
            "pages": result.pages,
        }
        return Success(following.health.interval, details)

    def _put_clock_offset(self) -> None:
        """Put into the account's snapshot how far our clock is ahead of the API's.

        States and remaining windows depend on our clock, so each poll looks at it.
        """
        access, store = self._access, self._access.store
        offset = access.client.server_clock.offset(access.clock())
        store.put_account(replace(store.account(access.account), clock_offset=offset))

    def fail(self, error: ApiError, run: Run) -> Failure:
        """Put the failure of the poll into the agent's health, and return it."""
        store, polling = self._access.store, self._polling
        previous, in_a_row = store.agent(self._key), run.failures_in_a_row + 1
        store.put_agent(failed(previous, self._poll(), error.reason, polling, in_a_row))
        return Failure(interval_in_failure(previous, polling), error)

    def _poll(self) -> Poll:
        return Poll(self._began, asyncio.get_running_loop().time() - self._started)

    async def _listing(self, now: float, run: Run) -> Listing | ApiError:
        previous = self._access.store.agent(self._key).listing
        target = target_after(previous, now, self._polling.full_listing_interval)
        try:
            async with Deadline(self._polling.timeout, run.watch) as deadline:
                pages = self._access.client.batches(self._key[1], deadline)
                return await read(pages, previous, target, now, self._keep_ended)
        except ApiError as error:
            return error

    async def _refresh_name(self, run: Run) -> None:
        """Ask for the agent's name when that is due.

        After a failure the old name stays. After the second in a row, the next request waits as a
        poll would: an API key may be allowed to list an agent's batches and not to read the agent.
        """
        clock = asyncio.get_running_loop().time
        if clock() < self._name_due:
            return
        try:
            async with Deadline(self._polling.timeout, run.watch) as deadline:
                record = await self._access.client.agent(self._key[1], deadline)
        except ApiError as error:
            log.debug("agent_name_not_read", agent_id=self._key[1], error=str(error))
            if self._name_failures:
                self._name_due = clock() + backed_off(self._polling.interval, self._name_failures)
            self._name_failures += 1
            return
        self._name_failures = 0
        self._name_due = clock() + self._name_refresh
        snapshot = self._access.store.agent(self._key)
        agent = replace(snapshot.agent, name=record.name or record.agent_id)
        self._access.store.put_agent(replace(snapshot, agent=agent))
