"""An account's loop for calls by status: for live batches, and once more after a batch has ended.

Each status is one request for a page of one row, of which `total` alone is decoded. The requests
run in the background: no listing waits for them.
"""

from collections import deque
from collections.abc import Iterable, Iterator

import structlog
from msgspec.structs import replace

from exporter.api.deadline import deadline
from exporter.config import Batches
from exporter.errors import ApiError
from exporter.model import CALL_STATUSES, AgentKey, AgentSnapshot, Batch, CallStatus
from exporter.polling.context import Context
from exporter.polling.schedule import backed_off
from exporter.selection import batches_with_series

log = structlog.get_logger()


class Calls:
    """Asks for the calls of one batch a step, the live batches first."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._queue: deque[tuple[AgentKey, str]] = deque()
        self._failures_in_a_row = 0
        self.name = f"calls {context.account.name}"
        self.budget = context.config.polling.timeout
        self.turn = context.client.side_turn

    async def step(self) -> float:
        """See to one batch; return the seconds to the next step."""
        context = self._context
        if not self._queue:
            agents = context.store.snapshot().agents_of(context.account.name)
            self._queue.extend(due(agents, context.clock(), context.config.batches))
        while self._queue:
            key, batch_id = self._queue.popleft()
            if (batch := self._find(key, batch_id)) is not None:
                return await self._see_to(key, batch)
        return context.config.polling.interval

    def _find(self, key: AgentKey, batch_id: str) -> Batch | None:
        """Return the batch as it is known now; None when it is gone, or its agent is."""
        snapshot = self._context.store.find_agent(key)
        batches = snapshot.listing.batches if snapshot and snapshot.listing else ()
        return next((batch for batch in batches if batch.batch_id == batch_id), None)

    async def _see_to(self, key: AgentKey, batch: Batch) -> float:
        context, bound = self._context, log.bind(account=key[0], agent_id=key[1])
        asked = context.clock()
        try:
            async with deadline(context.config.polling.timeout):
                calls = await self._ask(key, batch)
        except ApiError as error:
            self._failures_in_a_row += 1
            say = bound.warning if self._failures_in_a_row == 1 else bound.debug
            say("outcomes_down", reason=error.reason, error=str(error))
            return backed_off(context.config.batches.outcomes_interval, self._failures_in_a_row)
        if self._failures_in_a_row:
            bound.info("outcomes_up")
        self._failures_in_a_row = 0
        self._put(key, batch.batch_id, CallStatus(calls, asked, batch.progress_fingerprint(asked)))
        return 0.0

    async def _ask(self, key: AgentKey, batch: Batch) -> tuple[int, ...]:
        """Return the calls by status; nothing where the API gives no total."""
        calls: list[int] = []
        for status in CALL_STATUSES:
            total = await self._context.client.calls(key[1], batch.batch_id, status.upper())
            if total is None:
                return ()
            calls.append(total)
        return tuple(calls)

    def _put(self, key: AgentKey, batch_id: str, call_status: CallStatus) -> None:
        store = self._context.store
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
    """Yield the batches whose calls are to be asked for at `now`, live ones first."""
    found = [
        (not batch.live, -batch.created, agent.agent.key, batch.batch_id)
        for agent in agents
        if agent.listing is not None
        for batch in batches_with_series(agent.listing.batches, batches)
        if _wanted(batch, now, batches.outcomes_interval)
    ]
    return ((key, batch_id) for _, _, key, batch_id in sorted(found))


def _wanted(batch: Batch, now: float, every: float) -> bool:
    """Whether the batch moved since its calls were asked for, `every` seconds ago or earlier."""
    known = batch.call_status
    return known is None or (
        known.fingerprint != batch.progress_fingerprint(now) and now - known.asked >= every
    )
