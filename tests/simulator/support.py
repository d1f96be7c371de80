"""What the simulator's tests share: a clock that stands still, and a client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from exporter.simulator import DEFAULT_KEY, Simulator, serve

EPOCH = 1_790_000_000.25
"""The moment at which the tests' clocks start, unix seconds."""


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: float = EPOCH) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class Reply(msgspec.Struct, frozen=True):
    """An answer that was read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON may be anything
        """Decode the body."""
        return msgspec.json.decode(self.body)


class Client:
    """Asks the server at `url`: bodies are decompressed and redirects not followed."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def get(
        self,
        target: str,
        *,
        key: str | None = DEFAULT_KEY,
        method: str = "GET",
        accept: str = "gzip",
    ) -> Reply:
        """Ask for a path or an absolute URL, without a key if it is None."""
        url = target if target.startswith("http") else self.url + target
        headers = {"Accept-Encoding": accept}
        if key is not None:
            headers["X-API-Key"] = key
        async with self.session.request(
            method, url, headers=headers, allow_redirects=False
        ) as response:
            return Reply(response.status, dict(response.headers), await response.read())

    async def json(self, target: str) -> Any:  # noqa: ANN401 - JSON may be anything
        """Ask for what must be answered with 200 and JSON."""
        reply = await self.get(target)
        assert reply.status == 200
        return reply.json()

    async def pages(self, target: str | None, most: int = 50) -> list[dict[str, Any]]:
        """Follow `next` to the end, or for `most` pages."""
        pages: list[dict[str, Any]] = []
        while target and len(pages) < most:
            pages.append(await self.json(target))
            target = pages[-1].get("next")
        return pages


@asynccontextmanager
async def visiting(simulator: Simulator) -> AsyncIterator[Client]:
    """Serve a simulator to a client."""
    async with serve(simulator) as url, aiohttp.ClientSession() as session:
        yield Client(session, url)


def ids(*pages: dict[str, Any]) -> list[str]:
    """List the batches' ids on some pages, in order."""
    return [row["batchId"] for page in pages for row in page["results"]]


def batches_of(agent_id: str) -> str:
    """Return the path of an agent's batches."""
    return f"/api/agents/{agent_id}/scheduled_batches"
