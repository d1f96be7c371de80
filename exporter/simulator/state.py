"""The simulator's state: the one mutable owner of a simulated account."""

import time
from collections.abc import Callable
from operator import itemgetter
from typing import Generic, TypeVar, Unpack

import msgspec

from exporter.simulator import progress
from exporter.simulator.model import (
    Account,
    Agent,
    Batch,
    BatchFields,
    Campaign,
    NewBatchFields,
    new_id,
    seeded_random,
)
from exporter.simulator.records import Record, agent_record, batch_record, microseconds

T = TypeVar("T")

DEFAULT_KEY = "SimuKey0.NotARealKeyOnlyForTheSimulator00"
"""A made-up key in the documented shape: 8 characters, a point, 32 characters."""

Entry = tuple[int, str]
"""An item of a listing: its sort key, which is minus its `created` in microseconds, and its id."""


class ReceivedRequest(msgspec.Struct):
    """A request that came in: mutable, since `status` is known only when the answer is ready.

    `status` is None when no answer was sent: the connection hung or was closed. `has_key` is
    whether the header `X-API-Key` was sent, with the right key or a wrong one.
    """

    method: str
    path: str
    query: dict[str, str]
    has_key: bool
    status: int | None = None


class Simulator:
    """A simulated account whose campaigns progress with time, and that tests can change.

    `clock` returns unix seconds; `epoch` (unix seconds; default: the clock now) is the moment to
    which the definition's offsets relate; simulated time runs `speed` times as fast as the clock.
    `requests` has what came in, oldest first. Unknown ids raise `KeyError`.
    """

    def __init__(
        self,
        account: Account,
        *,
        api_key: str = DEFAULT_KEY,
        clock: Callable[[], float] = time.time,
        epoch: float | None = None,
        speed: float = 1.0,
        max_page_size: int = 100,
    ) -> None:
        self.api_key = api_key
        self.clock = clock
        self.max_page_size = max_page_size
        self.requests: list[ReceivedRequest] = []
        self._rng = seeded_random(
            " ".join([account.name, *(agent.agent_id for agent in account.agents)])
        )
        self.account_id = new_id(self._rng)
        self._agents: _NewestFirst[Agent] = _NewestFirst()
        self._batches: dict[str, _NewestFirst[Campaign | Batch]] = {}
        self._agent_of_batch: dict[str, str] = {}
        epoch = clock() if epoch is None else epoch
        self.account = progress.place_account(account, epoch, speed)
        self._upcoming = _upcoming(account, epoch, speed)
        for agent in account.agents:
            self._put_agent(progress.place_agent(agent, epoch, speed))

    def agents(self) -> list[Record]:
        """Return every agent as the API would serve it now, newest first."""
        return [agent_record(self._agents.get(ident)) for _, ident in self._agents.entries()]

    def batches(self, agent_id: str) -> list[Record]:
        """Return every batch of the agent as the API would serve it now, newest first."""
        entries = self.batch_entries(agent_id)
        return [batch_record(self.batch(agent_id, ident)) for _, ident in entries]

    def agent(self, agent_id: str) -> Agent:
        """Return one agent."""
        return self._agents.get(agent_id)

    def batch(self, agent_id: str, batch_id: str) -> Batch:
        """Return one batch as it is now."""
        self._add_created()
        source = self._batches[agent_id].get(batch_id)
        if isinstance(source, Batch):
            return source
        return progress.observe(source, self.clock())

    def agent_entries(self) -> list[Entry]:
        """Return the entries of all agents in the order of their listing, newest first."""
        return self._agents.entries()

    def batch_entries(self, agent_id: str) -> list[Entry]:
        """Return the entries of all the agent's batches in the order of their listing."""
        self._add_created()
        return self._batches[agent_id].entries()

    def create(self, agent_id: str, **fields: Unpack[NewBatchFields]) -> str:
        """Add a batch that only `update` changes, and return its id.

        The defaults: created now, one call, not made, no window, not ended.
        """
        defaults: NewBatchFields = {"batch_id": new_id(self._rng), "created": self.clock()}
        batch = Batch(**(defaults | fields))
        self._put_batch(agent_id, batch)
        return batch.batch_id

    def update(self, batch_id: str, **fields: Unpack[BatchFields]) -> None:
        """Change fields of a batch. A campaign then makes no more calls by itself."""
        self._add_created()
        agent_id = self._agent_of_batch[batch_id]
        changed = msgspec.structs.replace(self.batch(agent_id, batch_id), **fields)
        self._put_batch(agent_id, changed)

    def delete(self, batch_id: str) -> None:
        """Remove a batch: it disappears from the listing (inferred)."""
        self._add_created()
        self._batches[self._agent_of_batch.pop(batch_id)].remove(batch_id)

    def add_agent(self, name: str | None = None, agent_id: str | None = None) -> str:
        """Add an agent, created now, and return its id."""
        agent_id = agent_id or new_id(self._rng)
        self._put_agent(Agent(agent_id=agent_id, name=name, created=self.clock()))
        return agent_id

    def rename_agent(self, agent_id: str, name: str | None) -> None:
        """Give the agent another name, or none."""
        agent = msgspec.structs.replace(self._agents.get(agent_id), name=name)
        self._agents.put(agent_id, agent.created, agent)

    def delete_agent(self, agent_id: str) -> None:
        """Remove an agent, all its batches, and its campaigns that are not created yet."""
        self._agents.remove(agent_id)
        for _, batch_id in self._batches.pop(agent_id).entries():
            del self._agent_of_batch[batch_id]
        self._upcoming = [pair for pair in self._upcoming if pair[0] != agent_id]

    def _add_created(self) -> None:
        """Add the campaigns that have been created by now."""
        now = self.clock()
        while self._upcoming and self._upcoming[-1][1].created <= now:
            self._put_batch(*self._upcoming.pop())

    def _put_agent(self, agent: Agent) -> None:
        self._agents.put(agent.agent_id, agent.created, agent)
        self._batches.setdefault(agent.agent_id, _NewestFirst())

    def _put_batch(self, agent_id: str, batch: Campaign | Batch) -> None:
        self._batches[agent_id].put(batch.batch_id, batch.created, batch)
        self._agent_of_batch[batch.batch_id] = agent_id


class _NewestFirst(Generic[T]):
    """Items by id, listed newest first; items with equal `created` in the order of adding.

    The order is computed when it is read, and kept until it changes.
    """

    def __init__(self) -> None:
        self._items: dict[str, tuple[int, T]] = {}
        self._entries: list[Entry] | None = None

    def put(self, ident: str, created: float, item: T) -> None:
        """Add or replace an item; `created` is unix seconds."""
        key = -microseconds(created)
        before = self._items.get(ident)
        if before is None or before[0] != key:
            self._items.pop(ident, None)
            self._entries = None
        self._items[ident] = (key, item)

    def get(self, ident: str) -> T:
        """Return the item, or raise `KeyError`."""
        return self._items[ident][1]

    def remove(self, ident: str) -> None:
        """Remove the item, or raise `KeyError`."""
        del self._items[ident]
        self._entries = None

    def entries(self) -> list[Entry]:
        """Return every entry, newest first: keys never fall. The caller must not change it."""
        if self._entries is None:
            entries = [(key, ident) for ident, (key, _) in self._items.items()]
            self._entries = sorted(entries, key=itemgetter(0))
        return self._entries


def _upcoming(account: Account, epoch: float, speed: float) -> list[tuple[str, Campaign]]:
    """Return (agent's id, campaign), placed on the clock; the one created first is the last."""
    pairs = [
        (agent.agent_id, progress.place(campaign, epoch, speed))
        for agent in account.agents
        for campaign in agent.campaigns
    ]
    return sorted(pairs, key=lambda pair: pair[1].created, reverse=True)
