"""The last snapshot of every agent and account.

Everything runs on one event loop: a snapshot is replaced as a whole, in one assignment, so no
reader ever sees half of one. A job that changes a snapshot takes it from here and puts the next one
back without an `await` in between, so that no change is lost.
"""

import asyncio

from exporter.model import AccountSnapshot, AgentKey, AgentSnapshot, Snapshot


class Store:
    """Keeps snapshots by what never changes: an account's name, an agent's key."""

    def __init__(self) -> None:
        self._accounts: dict[str, AccountSnapshot] = {}
        self._agents: dict[AgentKey, AgentSnapshot] = {}
        self._changed: dict[AgentKey, None] = {}
        self._change = asyncio.Event()

    def account(self, name: str) -> AccountSnapshot:
        """Return the account's snapshot. Raises KeyError for an unknown account."""
        return self._accounts[name]

    def agent(self, key: AgentKey) -> AgentSnapshot:
        """Return the agent's snapshot. Raises KeyError for an unknown or removed agent."""
        return self._agents[key]

    def find_agent(self, key: AgentKey) -> AgentSnapshot | None:
        """Return the agent's snapshot, None where there is none."""
        return self._agents.get(key)

    def put_account(self, snapshot: AccountSnapshot) -> None:
        """Replace the account's snapshot."""
        self._accounts[snapshot.account] = snapshot

    def put_agent(self, snapshot: AgentSnapshot) -> None:
        """Replace the agent's snapshot."""
        self._agents[snapshot.agent.key] = snapshot
        self._changed[snapshot.agent.key] = None
        self._change.set()

    def remove_agent(self, key: AgentKey) -> None:
        """Forget an agent that is no longer polled."""
        del self._agents[key]

    async def next_change(self) -> AgentSnapshot:
        """Wait for an agent whose snapshot was replaced since the last call; return the snapshot.

        For one listener: each change is returned once.
        """
        while True:
            while self._changed:
                key = next(iter(self._changed))
                del self._changed[key]
                if key in self._agents:
                    return self._agents[key]
            self._change.clear()
            await self._change.wait()

    def snapshot(self) -> Snapshot:
        """Return all that is known now."""
        return Snapshot(tuple(self._accounts.values()), tuple(self._agents.values()))
