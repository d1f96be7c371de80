"""The job that asks for the call status of batches: how many calls are in each status.

It asks for live batches, and once more after a batch has ended. Each status is one request for a
page of one record, of which `total` alone is decoded. The requests are background requests: a
listing waits for at most one of them.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from exporter.api.deadline import Deadline
from exporter.config import Batches, Polling
from exporter.errors import ApiError
from exporter.model import CALL_STATUSES, AgentKey, AgentSnapshot, Batch, CallStatus
from exporter.polling.job import Access, Events, Failure, Outcome, Run, Success
from exporter.selection import batches_with_series


class CallStatusJob:
    """Asks for the call status of one batch a run, live batches first."""

    needs_poll_slot = False
    events = Events("call_status_succeeded", "call_status_failed", "call_status_recovered")

    def __init__(self, access: Access, batches: Batches, polling: Polling) -> None:
        self._access = access
        self._batches = batches
        self._idle_interval = polling.interval
        self._queue: deque[tuple[AgentKey, str]] = deque()
        self.name = f"call status {access.account}"
        self.budget = polling.timeout

    def log_fields(self) -> Mapping[str, str]:
        """Return nothing: every line of the account has its name."""
        return {}

    async def run_once(self, run: Run) -> Outcome:
        """Ask for the next batch that is due; the next run follows at once where one was due."""
        access = self._access
        if not self._queue:
            agents = access.store.snapshot().agents_of(access.account)
            self._queue.extend(due(agents, access.clock(), self._batches))
        while self._queue:
            key, batch_id = self._queue.popleft()
            if (batch := self._find(key, batch_id)) is not None:
                return await self._ask_for(key, batch, run)
        return Success(self._idle_interval)

    def _find(self, key: AgentKey, batch_id: str) -> Batch | None:
        """Return the batch as it is known now; None when it or its agent is gone."""
        snapshot = self._access.store.find_agent(key)
        batches = snapshot.listing.batches if snapshot and snapshot.listing else ()
        return next((batch for batch in batches if batch.batch_id == batch_id), None)

    async def _ask_for(self, key: AgentKey, batch: Batch, run: Run) -> Outcome:
        asked = self._access.clock()
        try:
            async with Deadline(self.budget, run.watch) as deadline:
                calls = await self._calls(key, batch, deadline)
        except ApiError as error:
            return Failure(self._batches.outcomes_interval, error, {"agent_id": key[1]})
        self._put(key, batch.batch_id, CallStatus(calls, asked, batch.progress_fingerprint(asked)))
        return Success(0.0)

    async def _calls(self, key: AgentKey, batch: Batch, deadline: Deadline) -> tuple[int, ...]:
        """Return the number of calls in each status; nothing where the API gives no total."""
        calls: list[int] = []
        for status in CALL_STATUSES:
            client, batch_id = self._access.client, batch.batch_id
            total = await client.calls(key[1], batch_id, status.upper(), deadline)
            if total is None:
                return ()
            calls.append(total)
        return tuple(calls)

    def _put(self, key: AgentKey, batch_id: str, call_status: CallStatus) -> None:
        store = self._access.store
        if (snapshot := store.find_agent(key)) is not None and snapshot.listing is not None:
            batches = tuple(
                replace(batch, call_status=call_status) if batch.batch_id == batch_id else batch
                for batch in snapshot.listing.batches
            )
            listing = replace(snapshot.listing, batches=batches)
            store.put_agent(replace(snapshot, listing=listing))


def due(
    agents: Iterable[AgentSnapshot], now: float, batches: Batches
) -> Iterator[tuple[AgentKey, str]]:
    """Yield the batches whose call status is to be asked for at `now`, live batches first."""
    found = [
        (not batch.live, -batch.created, agent.agent.key, batch.batch_id)
        for agent in agents
        if agent.listing is not None
        for batch in batches_with_series(agent.listing.batches, batches)
        if _is_due(batch, now, batches.outcomes_interval)
    ]
    return ((key, batch_id) for _, _, key, batch_id in sorted(found))


def _is_due(batch: Batch, now: float, interval: float) -> bool:
    """Return whether it made progress since it was asked for, `interval` seconds ago or more."""
    known = batch.call_status
    return known is None or (
        known.fingerprint != batch.progress_fingerprint(now) and now - known.asked >= interval
    )
