"""What the simulator's tests share: a clock that a test sets, and a client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from exporter.simulator import DEFAULT_KEY, Simulator, serve

EPOCH = 1_790_000_000.25
"""The moment at which the tests' clocks start, unix seconds."""


class Clock:
    """A clock that returns `now`, unix seconds; a test sets it."""

    def __init__(self, now: float = EPOCH) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Reply(msgspec.Struct, frozen=True):
    """An answer whose whole body was read."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON may be anything
        """Return the decoded body."""
        return msgspec.json.decode(self.body)


class Client:
    """A client of the server at `url`: it decompresses bodies and follows no redirects."""

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
        """Request a path or an absolute URL, without a key if `key` is None."""
        url = target if target.startswith("http") else self.url + target
        headers = {"Accept-Encoding": accept}
        if key is not None:
            headers["X-API-Key"] = key
        async with self.session.request(
            method, url, headers=headers, allow_redirects=False
        ) as response:
            return Reply(response.status, dict(response.headers), await response.read())

    async def json(self, target: str) -> Any:  # noqa: ANN401 - JSON may be anything
        """Return the JSON of an answer that must be 200."""
        reply = await self.get(target)
        assert reply.status == 200
        return reply.json()

    async def pages(self, target: str | None, limit: int = 50) -> list[dict[str, Any]]:
        """Return the pages that `next` leads to, at most `limit`."""
        pages: list[dict[str, Any]] = []
        while target and len(pages) < limit:
            pages.append(await self.json(target))
            target = pages[-1].get("next")
        return pages


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Client]:
    """Yield a client of a server."""
    async with aiohttp.ClientSession() as session:
        yield Client(session, url)


@asynccontextmanager
async def serving(simulator: Simulator) -> AsyncIterator[Client]:
    """Serve a simulator and yield a client of it."""
    async with serve(simulator) as url, client_of(url) as client:
        yield client


def ids(*pages: dict[str, Any]) -> list[str]:
    """Return the ids of the batches on some pages, in order."""
    return [record["batchId"] for page in pages for record in page["results"]]


def batches_of(agent_id: str) -> str:
    """Return the path of an agent's batches."""
    return f"/api/agents/{agent_id}/scheduled_batches"
