"""The job that asks for the call status of batches: how many calls are in each status.

It asks for live batches, and once more after a batch has ended. Each status is one request for a
page of one record, of which `total` alone is decoded. A round is at most two requests for a batch:
the other numbers follow from these (`call_counts`), or are asked for in later rounds, or are not
known. The requests are background requests: a listing waits for at most one of them.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import structlog
from msgspec.structs import replace

from exporter.api.deadline import Deadline
from exporter.config import Batches, Polling
from exporter.errors import ApiError, NotFoundError, PayloadError
from exporter.model import CALL_STATUSES, AgentKey, AgentSnapshot, Batch, CallStatus
from exporter.polling.call_counts import (
    Record,
    answered_before,
    contradict,
    next_status,
    with_derived,
)
from exporter.polling.job import Access, Events, Failure, Outcome, Run, Success
from exporter.selection import batches_with_series

log = structlog.get_logger()

MOST_REQUESTS = 2
"""Requests of one round for one batch."""

NEXT_BATCH = 1.0
"""Seconds until the next batch is asked for after a failure that concerns one batch alone."""

_OF_ONE_BATCH = (NotFoundError, PayloadError)


class CallStatusJob:
    """Asks for the call status of one batch a run, live batches first.

    A batch whose calls the API does not know or describes wrongly is asked for again after
    `outcomes_interval`. Meanwhile the others are.
    """

    needs_poll_slot = False
    events = Events("call_status_succeeded", "call_status_failed", "call_status_recovered")

    def __init__(self, access: Access, batches: Batches, polling: Polling) -> None:
        self._access = access
        self._batches = batches
        self._idle_interval = polling.interval
        self._queue: deque[tuple[AgentKey, str]] = deque()
        self._failed: dict[tuple[AgentKey, str], float] = {}
        self._derives = True
        self.name = f"call status {access.account}"
        self.budget = polling.timeout

    def log_fields(self) -> Mapping[str, str]:
        """Return nothing: every line of the account has its name."""
        return {}

    async def run_once(self, run: Run) -> Outcome:
        """Ask for the next batch that is due; the next run follows at once where one was due."""
        access = self._access
        if not self._queue:
            agents, now = access.store.snapshot().agents_of(access.account), access.clock()
            since = now - self._batches.outcomes_interval
            self._failed = {each: at for each, at in self._failed.items() if at > since}
            found = due(agents, now, self._batches)
            self._queue.extend(each for each in found if each not in self._failed)
        while self._queue:
            key, batch_id = self._queue.popleft()
            if (record := self._find(key, batch_id)) is not None:
                return await self._ask_for(key, record, run)
        return Success(self._idle_interval)

    def _find(self, key: AgentKey, batch_id: str) -> Record | None:
        """Return the batch as it is known now; None when it or its agent is gone."""
        snapshot = self._access.store.find_agent(key)
        if snapshot is None or snapshot.listing is None:
            return None
        now = self._access.clock()
        age = now - _listed_at(snapshot)
        found = (each for each in snapshot.listing.batches if each.batch_id == batch_id)
        return next((Record(batch, now, age, self._derives) for batch in found), None)

    async def _ask_for(self, key: AgentKey, record: Record, run: Run) -> Outcome:
        try:
            async with Deadline(self.budget, run.watch) as deadline:
                calls = await self._calls(key, record, deadline)
        except ApiError as error:
            alone = isinstance(error, _OF_ONE_BATCH)
            if alone:
                self._failed[key, record.batch.batch_id] = self._access.clock()
            interval = NEXT_BATCH if alone else self._batches.outcomes_interval
            return Failure(interval, error, {"agent_id": key[1]})
        answered = self._access.clock()
        call_status = CallStatus(calls, record.now, record.fingerprint, answered)
        self._put(key, record.batch.batch_id, call_status)
        return Success(0.0)

    async def _calls(
        self, key: AgentKey, record: Record, deadline: Deadline
    ) -> tuple[int | None, ...]:
        """Return the number of calls in each status; nothing where the API gives no total."""
        client, batch_id = self._access.client, record.batch.batch_id
        answers = answered_before(record)
        found = with_derived(record, answers)
        for _ in range(MOST_REQUESTS):
            if (status := next_status(record, found)) is None:
                break
            total = await client.calls(key[1], batch_id, status.upper(), deadline)
            if total is None:
                return ()
            answers[status] = total
            found = with_derived(record, answers)
        if contradict(record, answers):
            self._derive_no_more(key, record, answers)
        return tuple(map(found.get, CALL_STATUSES))

    def _derive_no_more(self, key: AgentKey, record: Record, answers: Mapping[str, int]) -> None:
        """Ask for each number from now on, and log once why."""
        if self._derives:
            log.warning(
                "call_status_contradicts_batch",
                account=key[0],
                agent_id=key[1],
                batch_id=record.batch.batch_id,
                completed=record.batch.completed,
                success=answers["success"],
                errors=answers["error"],
            )
        self._derives = False

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
        if _is_due(batch, _listed_at(agent), now, batches.outcomes_interval)
    ]
    return ((key, batch_id) for _, _, key, batch_id in sorted(found))


def _is_due(batch: Batch, listed_at: float, now: float, interval: float) -> bool:
    """Return whether there is something to ask for, `interval` seconds after the last request.

    That is after progress. Without progress, it is a number that is still unknown, if a listing
    that began after the last answer shows that the batch is as it was.
    """
    known = batch.call_status
    if known is None:
        return True
    moved = known.fingerprint != batch.progress_fingerprint(now)
    unknown = None in known.calls and listed_at > known.answered
    return (moved or unknown) and now - known.asked >= interval


def _listed_at(agent: AgentSnapshot) -> float:
    """Return the time at which the agent's listing began, 0 before the first."""
    return agent.health.last_success or 0.0
