"""Batches as pages of the API's JSON, and the polls that read them into a store.

Every contestant gets its batches this way, so all have the same batches.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from exporter.api.decoding import Page
from exporter.api.schemas import BATCH_PAGE, BatchRecord
from exporter.config import Batches, Polling
from exporter.model import AccountSnapshot, Agent, AgentKey, AgentSnapshot, PollHealth
from exporter.polling.listing import read, target_after
from exporter.polling.transitions import Poll, succeeded
from exporter.selection import SelectionSettings
from exporter.store import Store

AGENTS = 100
PAGE_SIZE = 100
"""Batches of a page."""

HOUR = 3600
ACCOUNT = "main"

SETTINGS = SelectionSettings(
    Polling(timeout=25.0, stale_after=86400.0),
    Batches(max_per_agent=1_000_000),
)
"""Data become stale after a day: a long run must not end with empty expositions."""

POLL_NUMBER = b"@@@"
"""The placeholder in a page for the number of the poll that reads it, the last digits of counts."""


class Load:
    """Live batches of a hundred agents, whose counts rise by one from poll to poll."""

    def __init__(self, batches: int) -> None:
        self.batches = batches
        self.began = time.time()
        self.keys: list[AgentKey] = [(ACCOUNT, _id("agent", index)) for index in range(AGENTS)]

    def store(self) -> Store:
        """Return a store of the agents before their first poll."""
        store = Store()
        store.put_account(AccountSnapshot(ACCOUNT, 5.0, up=True, last_success=self.began))
        for index, (account, agent_id) in enumerate(self.keys):
            agent = Agent(account, agent_id, f"agent {index}")
            store.put_agent(AgentSnapshot(agent, PollHealth(SETTINGS.polling.interval)))
        return store

    def bodies(self, index: int) -> list[bytes]:
        """Return the pages of the agent at an index, with POLL_NUMBER as a placeholder."""
        records = [_record(number, self.began) for number in range(index, self.batches, AGENTS)]
        starts = range(0, len(records), PAGE_SIZE)
        pages = [records[start : start + PAGE_SIZE] for start in starts] or [[]]
        return [
            json.dumps(
                {
                    "next": f"https://x/?cursor={number}" if number < len(pages) else None,
                    "previous": None,
                    "results": page,
                    "total": len(records),
                }
            )
            .replace('"@@@', "")
            .replace('@@@"', POLL_NUMBER.decode())
            .encode()
            for number, page in enumerate(pages, 1)
        ]


async def filled(load: Load) -> Store:
    """Return a store after the first poll of each agent; the JSON is not kept."""
    store = load.store()
    for index, key in enumerate(load.keys):
        await poll(store, key, load.bodies(index), 1)
    return store


async def poll(store: Store, key: AgentKey, bodies: list[bytes], number: int) -> None:
    """Read an agent's pages as the exporter's poll does, and replace its snapshot."""
    now, previous, polling = time.time(), store.agent(key), SETTINGS.polling
    target = target_after(previous.listing, now, polling.full_listing_interval)
    keep_ended = SETTINGS.batches.keep_ended
    listing = await read(_pages(bodies, number), previous.listing, target, now, keep_ended)
    store.put_agent(succeeded(previous, Poll(now, time.time() - now), listing, polling))


async def _pages(bodies: list[bytes], number: int) -> AsyncGenerator[Page[BatchRecord], None]:
    for body in bodies:
        # A page comes over the network: other tasks run before it arrives.
        await asyncio.sleep(0)
        yield BATCH_PAGE.decode(body.replace(POLL_NUMBER, b"%03d" % number), "scheduled_batches")


def _record(number: int, now: float) -> dict[str, object]:
    """Return a batch, newest first; its count ends in three digits for the number of the poll."""
    hour = now // HOUR * HOUR
    batch_id = _id("batch", number)
    completed = uuid.UUID(batch_id).int % 20 + 1
    return {
        "batchId": batch_id,
        "created": _timestamp(now - 60.123457 * (number + 1)),
        "totalCount": (completed + 1 + number % 50) * 1000,
        "completedCount": f"@@@{completed}@@@",
        "endedAt": None,
        "windowStart": _timestamp(hour - HOUR * (1 + number % 4)),
        "windowEnd": _timestamp(hour + HOUR * (2 + number % 7)),
        "webhookUrl": "https://example.com/hook" if number % 2 else None,
        "webhookSecret": "secret" if number % 2 else None,
        "throttle": None,
        "paused": False,
    }


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _id(kind: str, number: int) -> str:
    """Return an id that has random digits and is the same in every process."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {number}"))
