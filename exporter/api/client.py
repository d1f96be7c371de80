"""One account at the API: its session, key, rate limit and paging.

Every request goes through `Client._get`: to the configured base URL alone, redirects never
followed, the body capped. Deadlines are the caller's: a cancelled call leaves nothing behind.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

import aiohttp
import msgspec
from aiolimiter import AsyncLimiter
from yarl import URL

from exporter import __version__
from exporter.api import wire
from exporter.api.paging import follow
from exporter.api.wire import AccountRow, AgentRow, BatchRow, Page, Row
from exporter.config import Account, Secret
from exporter.errors import (
    ApiError,
    AuthError,
    NotFoundError,
    PayloadError,
    RateLimitedError,
    StatusError,
    UnreachableError,
)

PAGE_SIZE = 100
"""Rows asked for; no maximum is published, and a server may silently send fewer (inferred)."""

MAX_BODY = 64 * 2**20
"""Bytes of one answer, inflated. Agents carry their call templates, so a page may be large."""

MAX_CONCURRENT = 4
"""Requests of one account at once."""


class Endpoint(StrEnum):
    """What can be asked: the values of the `endpoint` label."""

    AGENTS = "agents"
    AGENT = "agent"
    BATCHES = "scheduled_batches"
    ACCOUNT = "account"


class Observer(Protocol):
    """Who is told about requests."""

    def request(self, account: str, endpoint: str, code: str, seconds: float) -> None:
        """Note one request; `code` is the status, or `error` when no whole answer came."""
        ...

    def rate_limit_wait(self, account: str, seconds: float) -> None:
        """Note how long a request was held back by the account's own rate limit."""
        ...


class Client:
    """The API as one account's key sees it. Get one from `connect`.

    Every method may raise any ApiError but PollTimeoutError.
    """

    def __init__(
        self, account: Account, key: Secret, session: aiohttp.ClientSession, observer: Observer
    ) -> None:
        self._account = account
        self._key = key
        self._session = session
        self._observer = observer
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        burst = max(1.0, account.requests_per_second)
        self._limiter = AsyncLimiter(burst, burst / account.requests_per_second)

    def batches(self, agent_id: str) -> AsyncIterator[Page[BatchRow]]:
        """Yield the pages of an agent's batches."""
        path = f"/api/agents/{quote(agent_id, safe='')}/scheduled_batches"
        return self._pages(Endpoint.BATCHES, path, wire.BATCH_PAGE)

    def agents(self) -> AsyncIterator[Page[AgentRow]]:
        """Yield the pages of the account's agents."""
        return self._pages(Endpoint.AGENTS, "/api/agents", wire.AGENT_PAGE)

    async def agent(self, agent_id: str) -> AgentRow:
        """Return one agent."""
        body = await self._get(Endpoint.AGENT, f"/api/agents/{quote(agent_id, safe='')}")
        return wire.decode(wire.AGENT, body)

    async def account(self) -> AccountRow:
        """Return the account that the key belongs to: the cheapest request there is."""
        return wire.decode(wire.ACCOUNT, await self._get(Endpoint.ACCOUNT, "/api/accounts/me"))

    def _pages(
        self, endpoint: Endpoint, path: str, decoder: msgspec.json.Decoder[Page[Row]]
    ) -> AsyncIterator[Page[Row]]:
        async def fetch(cursor: str | None) -> Page[Row]:
            query = {"pageSize": str(PAGE_SIZE)}
            if cursor is not None:
                query["cursor"] = cursor
            return wire.decode(decoder, await self._get(endpoint, path, query))

        return follow(fetch)

    async def _get(
        self, endpoint: Endpoint, path: str, query: dict[str, str] | None = None
    ) -> bytes:
        url = URL(self._account.base_url + path, encoded=True).with_query(query)
        async with self._slots:
            await self._wait_for_rate()
            return await self._observed(endpoint, lambda: self._ask(endpoint, url))

    async def _wait_for_rate(self) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        await self._limiter.acquire()
        self._observer.rate_limit_wait(self._account.name, clock() - began)

    async def _observed(
        self, endpoint: Endpoint, ask: Callable[[], Awaitable[tuple[int, bytes]]]
    ) -> bytes:
        """Note the request, whatever ends it (a cancellation at the deadline is an `error`)."""
        clock = asyncio.get_running_loop().time
        began = clock()
        code = "error"
        try:
            status, body = await ask()
            code = str(status)
        finally:
            self._observer.request(self._account.name, endpoint, code, clock() - began)
        if status != HTTPStatus.OK:
            raise _refusal(endpoint, status)
        return body

    async def _ask(self, endpoint: Endpoint, url: URL) -> tuple[int, bytes]:
        """Return status and body; a refusal's body is not read, nothing in it is needed."""
        headers = {"X-API-Key": self._key.reveal()}
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status != HTTPStatus.OK:
                    return response.status, b""
                return response.status, await _read(endpoint, response)
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError) as error:
            raise PayloadError(f"{endpoint}: the answer broke: {type(error).__name__}") from None
        except aiohttp.ClientError as error:
            raise UnreachableError(f"{endpoint}: {type(error).__name__}: {error}") from None


async def _read(endpoint: Endpoint, response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise PayloadError(f"{endpoint}: more than {MAX_BODY} bytes")
    return bytes(body)


def _refusal(endpoint: Endpoint, status: int) -> ApiError:
    message = f"{endpoint}: the API answered {status}"
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return AuthError(message)
        case HTTPStatus.NOT_FOUND:
            return NotFoundError(message)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimitedError(message)
        case _:
            return StatusError(message)


@asynccontextmanager
async def connect(account: Account, key: Secret, observer: Observer) -> AsyncIterator[Client]:
    """Open the account's session and yield its client.

    Neither cookies, proxies from the environment nor `.netrc` take part: the key goes to the base
    URL alone.
    """
    headers = {
        "Accept": "application/json",
        "User-Agent": f"ultravox-batch-exporter/{__version__}",
    }
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        timeout=aiohttp.ClientTimeout(),
        trust_env=False,
    ) as session:
        yield Client(account, key, session, observer)
