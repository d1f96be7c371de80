"""The store: the last snapshots, and the report of each change."""

import asyncio

from exporter.model import Agent, AgentSnapshot, PollHealth
from exporter.store import Store


def agent(agent_id: str) -> AgentSnapshot:
    """Return an agent that was never polled."""
    return AgentSnapshot(Agent("main", agent_id, agent_id), PollHealth(30.0))


async def test_each_change_is_reported_once_and_a_removed_agent_never() -> None:
    store = Store()
    store.put_agent(agent("a"))
    store.put_agent(agent("b"))
    store.put_agent(agent("c"))
    store.put_agent(agent("a"))
    store.remove_agent(("main", "b"))
    assert (await store.next_change()).agent.agent_id == "a"
    assert (await store.next_change()).agent.agent_id == "c"
    waiting = asyncio.create_task(store.next_change())
    await asyncio.sleep(0)
    assert not waiting.done()
    store.put_agent(agent("d"))
    assert (await waiting).agent.agent_id == "d"
