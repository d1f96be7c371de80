"""The simulator's state: the one mutable owner of a simulated account."""

import time
from collections.abc import Callable
from typing import Unpack

import msgspec

from exporter.simulator import dialling
from exporter.simulator.faults import Faults
from exporter.simulator.identifiers import dice, new_id
from exporter.simulator.model import (
    Account,
    Agent,
    Batch,
    BatchFields,
    Campaign,
    NewBatchFields,
)
from exporter.simulator.rows import AgentRecord, Row, agent_row, batch_row
from exporter.simulator.shelf import Place, Shelf

DEFAULT_KEY = "SimuKey0.NotARealKeyOnlyForTheSimulator00"
"""A made-up key in the documented shape: 8 characters, a point, 32 characters."""


class Request(msgspec.Struct):
    """A request that came in: mutable, since `status` is known only when the answer leaves.

    `status` is None when none left: the connection hung or was closed. `has_key` tells whether
    the header `X-API-Key` was there, right or wrong.
    """

    method: str
    path: str
    query: dict[str, str]
    has_key: bool
    status: int | None = None


class Simulator:
    """A simulated account that goes on by itself and can be changed from outside.

    `clock` gives unix seconds; `epoch` (unix seconds; default: the clock now) is the moment to
    which the definition's offsets relate; the world runs `speed` times as fast as the clock.
    `requests` holds what came in, oldest first, and `faults` what goes wrong. Unknown ids raise
    `KeyError`.
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
        self.account = account
        self.api_key = api_key
        self.clock = clock
        self.max_page_size = max_page_size
        self.requests: list[Request] = []
        self.faults = Faults()
        self._rng = dice(" ".join([account.name, *(agent.agent_id for agent in account.agents)]))
        self.account_id = new_id(self._rng)
        self._agents: Shelf[AgentRecord] = Shelf()
        self._batches: dict[str, Shelf[Campaign | Batch]] = {}
        self._homes: dict[str, str] = {}
        epoch = clock() if epoch is None else epoch
        self._upcoming = _campaigns(account, epoch, speed)
        for agent in account.agents:
            self._shelve(_record(agent, epoch, speed))

    def agents(self) -> list[Row]:
        """Every agent as the API would serve it now, newest first."""
        return [agent_row(self._agents.get(ident)) for _, ident in self._agents.places()]

    def batches(self, agent_id: str) -> list[Row]:
        """Every batch of the agent as the API would serve it now, newest first; no faults."""
        return [batch_row(self.batch(agent_id, ident)) for _, ident in self.batch_places(agent_id)]

    def agent(self, agent_id: str) -> AgentRecord:
        """One agent."""
        return self._agents.get(agent_id)

    def batch(self, agent_id: str, batch_id: str) -> Batch:
        """One batch as it is now."""
        self._advance()
        source = self._batches[agent_id].get(batch_id)
        if isinstance(source, Batch):
            return source
        return dialling.observe(source, self.clock())

    def agent_places(self) -> list[Place]:
        """List the places of all agents, newest first: for paging."""
        return self._agents.places()

    def batch_places(self, agent_id: str) -> list[Place]:
        """List the places of all the agent's batches, newest first: for paging."""
        self._advance()
        return self._batches[agent_id].places()

    def create(self, agent_id: str, **fields: Unpack[NewBatchFields]) -> str:
        """Add a batch that stays as it is, created now unless told otherwise; returns its id.

        Nothing given: one call, not made, no window, not ended.
        """
        defaults: NewBatchFields = {"batch_id": new_id(self._rng), "created": self.clock()}
        batch = Batch(**(defaults | fields))
        self._put(agent_id, batch)
        return batch.batch_id

    def update(self, batch_id: str, **fields: Unpack[BatchFields]) -> None:
        """Change fields of a batch. A campaign then stops dialling, and stays as it is."""
        self._advance()
        agent_id = self._homes[batch_id]
        self._put(agent_id, msgspec.structs.replace(self.batch(agent_id, batch_id), **fields))

    def delete(self, batch_id: str) -> None:
        """Remove a batch: it is gone from the listing (inferred)."""
        self._advance()
        self._batches[self._homes.pop(batch_id)].drop(batch_id)

    def add_agent(self, name: str | None = None, agent_id: str | None = None) -> str:
        """Add an agent, created now; returns its id."""
        agent_id = agent_id or new_id(self._rng)
        self._shelve(AgentRecord(agent_id=agent_id, name=name, created=self.clock()))
        return agent_id

    def rename_agent(self, agent_id: str, name: str | None) -> None:
        """Give the agent another name, or none."""
        agent = msgspec.structs.replace(self._agents.get(agent_id), name=name)
        self._agents.put(agent_id, agent.created, agent)

    def delete_agent(self, agent_id: str) -> None:
        """Remove an agent and all its batches, those to come included."""
        self._agents.drop(agent_id)
        for _, batch_id in self._batches.pop(agent_id).places():
            del self._homes[batch_id]
        self._upcoming = [pair for pair in self._upcoming if pair[0] != agent_id]

    def _advance(self) -> None:
        """Bring in the campaigns that have been created by now."""
        now = self.clock()
        while self._upcoming and self._upcoming[-1][1].created <= now:
            self._put(*self._upcoming.pop())

    def _shelve(self, agent: AgentRecord) -> None:
        self._agents.put(agent.agent_id, agent.created, agent)
        self._batches.setdefault(agent.agent_id, Shelf())

    def _put(self, agent_id: str, batch: Campaign | Batch) -> None:
        self._batches[agent_id].put(batch.batch_id, batch.created, batch)
        self._homes[batch.batch_id] = agent_id


def _campaigns(account: Account, epoch: float, speed: float) -> list[tuple[str, Campaign]]:
    """List (agent's id, campaign), placed on the clock, the one created first at the end."""
    pairs = [
        (agent.agent_id, dialling.place(campaign, epoch, speed))
        for agent in account.agents
        for campaign in agent.campaigns
    ]
    return sorted(pairs, key=lambda pair: pair[1].created, reverse=True)


def _record(agent: Agent, epoch: float, speed: float) -> AgentRecord:
    return AgentRecord(
        agent_id=agent.agent_id,
        name=agent.name,
        created=epoch + agent.created / speed,
        bare_pages=agent.bare_pages,
    )
