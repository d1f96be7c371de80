"""The last snapshot of every agent and account.

All on one event loop: a snapshot is replaced whole, in one assignment, so no reader ever sees half
of one. Whoever changes a snapshot takes it from here and puts the next one back without awaiting
anything in between, so that no change is lost.
"""

from exporter.model import AccountSnapshot, AgentKey, AgentSnapshot, Snapshot


class Store:
    """Holds snapshots by what never changes: an account's name, an agent's key."""

    def __init__(self) -> None:
        self._accounts: dict[str, AccountSnapshot] = {}
        self._agents: dict[AgentKey, AgentSnapshot] = {}

    def account(self, name: str) -> AccountSnapshot:
        """Return the account's snapshot. Raises KeyError where none was put."""
        return self._accounts[name]

    def agent(self, key: AgentKey) -> AgentSnapshot:
        """Return the agent's snapshot. Raises KeyError where none was put, or it was removed."""
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

    def remove_agent(self, key: AgentKey) -> None:
        """Forget an agent that is no longer polled."""
        del self._agents[key]

    def snapshot(self) -> Snapshot:
        """Return all that is known now."""
        return Snapshot(tuple(self._accounts.values()), tuple(self._agents.values()))
