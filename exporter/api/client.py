"""One account at the API: its key, its pace and paging.

Every request goes through `Client._get`: to the configured base URL alone, at the account's pace,
and again where that may help. Deadlines are the caller's: a cancelled call leaves nothing behind.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from exporter.api import schemas
from exporter.api.pagination import follow
from exporter.api.rate_limit import Throttle
from exporter.api.retry import PASSING, http_date, persistently, retry_after
from exporter.api.schemas import AccountRecord, AgentRecord, BatchRecord, Page, Record, Row
from exporter.api.transport import Answer, Resource, exchange, open_session
from exporter.config import Account, Key, Secret
from exporter.errors import (
    ApiError,
    AuthError,
    NotFoundError,
    RateLimitedError,
    StatusError,
    TimedOutError,
)

PAGE_SIZE = 100
"""Rows asked for; no maximum is published, and a server may silently send fewer (inferred)."""

REQUEST_SHARE = 0.5
"""Part of a poll's time that one request may take: one that hangs leaves time for another."""


class Observer(Protocol):
    """Who is told about requests."""

    def request(self, account: str, endpoint: str, code: str, seconds: float) -> None:
        """Note one request; `code` is the status, or `error` when no whole answer came."""
        ...

    def retry(self, account: str, reason: str) -> None:
        """Note that a request is made again because the one before it failed for the reason."""
        ...

    def rate_limit_wait(self, account: str, seconds: float) -> None:
        """Note how long a request was held back by the account's own rate limit."""
        ...


class Client:
    """The API as one account's key sees it. Get one from `connect`.

    Every method that asks may raise any ApiError.
    """

    def __init__(
        self,
        account: Account,
        key: Key,
        session: aiohttp.ClientSession,
        observer: Observer,
        request_timeout: float,
    ) -> None:
        self._account = account
        self._key = key
        self._session = session
        self._observer = observer
        self._request_timeout = request_timeout
        waited = partial(observer.rate_limit_wait, account.name)
        self._throttle = Throttle(account.requests_per_second, waited)
        self.server_time: float | None = None
        """What the last answer's `Date` said, in seconds since the epoch; None before any."""

    def turn(self, *, failing: bool) -> AbstractAsyncContextManager[None]:
        """Wait, outside of any deadline, for a turn to poll what failed last time, or did not."""
        return self._throttle.turn(failing=failing)

    def side_turn(self) -> AbstractAsyncContextManager[None]:
        """Wait, outside of any deadline, for as long as the API holds the account back."""
        return self._throttle.side_turn()

    def held_for(self) -> float:
        """Return the seconds for which the API still holds the account back."""
        return self._throttle.held_for()

    def batches(self, agent_id: str) -> AsyncGenerator[Page[BatchRecord], None]:
        """Yield the pages of an agent's batches."""
        return self._pages(
            Resource.BATCHES, f"{_agent(agent_id)}/scheduled_batches", schemas.BATCH_PAGE
        )

    async def first_batches(self, agent_id: str) -> Page[BatchRecord]:
        """Return the first page of an agent's batches."""
        async with aclosing(self.batches(agent_id)) as pages:
            return await anext(pages)

    def agents(self) -> AsyncGenerator[Page[AgentRecord], None]:
        """Yield the pages of the account's agents."""
        return self._pages(Resource.AGENTS, "/api/agents", schemas.AGENT_PAGE)

    async def agent(self, agent_id: str) -> AgentRecord:
        """Return one agent."""
        return await self._get(Resource.AGENT, _agent(agent_id), schemas.AGENT)

    async def account(self) -> AccountRecord:
        """Return the account that the key belongs to: the cheapest request there is."""
        return await self._get(Resource.ACCOUNT, "/api/accounts/me", schemas.ACCOUNT)

    async def calls(self, agent_id: str, batch_id: str, status: str) -> int | None:
        """Return the number of a batch's calls in a status, None where the API does not say.

        The request runs in the background: it never goes before any other.
        """
        path = f"{_agent(agent_id)}/scheduled_batches/{quote(batch_id, safe='')}/scheduled_calls"
        query = {"status": status, "pageSize": "1"}
        page = await self._get(Resource.CALLS, path, schemas.CALL_PAGE, query, background=True)
        return page.total

    def _pages(
        self, endpoint: Resource, path: str, decoder: msgspec.json.Decoder[Page[Row]]
    ) -> AsyncGenerator[Page[Row], None]:
        async def fetch(cursor: str | None) -> Page[Row]:
            query = {"pageSize": str(PAGE_SIZE)}
            if cursor is not None:
                query["cursor"] = cursor
            return await self._get(endpoint, path, decoder, query)

        return follow(fetch)

    async def _get(
        self,
        endpoint: Resource,
        path: str,
        decoder: msgspec.json.Decoder[Record],
        query: dict[str, str] | None = None,
        *,
        background: bool = False,
    ) -> Record:
        url = URL(self._account.base_url + path, encoded=True).with_query(query)
        slot = self._throttle.background_slot if background else self._throttle.slot

        async def ask() -> bytes:
            async with slot():
                return await self._ask(endpoint, url)

        body = await persistently(ask, partial(self._observer.retry, self._account.name))
        return schemas.decode(decoder, body, endpoint)

    async def _ask(self, endpoint: Resource, url: URL) -> bytes:
        """Ask once. The request is noted whatever ends it; without a whole answer as an `error`."""
        clock = asyncio.get_running_loop().time
        began, code = clock(), "error"
        key = self._key.current()
        try:
            async with asyncio.timeout(self._request_timeout):
                answer = await exchange(self._session, endpoint, url, key)
            code = str(answer.status)
        except TimeoutError:
            message = f"{endpoint}: no whole answer within {self._request_timeout:g} s"
            raise TimedOutError(message, transient=True) from None
        finally:
            self._observer.request(self._account.name, endpoint, code, clock() - began)
        self.server_time = http_date(answer.date)
        if answer.status == HTTPStatus.OK:
            return answer.body
        raise self._refusal(endpoint, answer, key)

    def _refusal(self, endpoint: Resource, answer: Answer, key: Secret) -> ApiError:
        """Return what a status other than 200 means; a wish to be left alone is heeded at once."""
        message = f"{endpoint}: the API answered {answer.status}"
        wait: float | None = None
        if answer.status in HOLDING and answer.retry_after is not None:
            wait = retry_after(answer.retry_after, answer.date)
            self._throttle.hold(wait or 0.0)
        match answer.status:
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                return AuthError(message, status=answer.status, transient=self._key.replaced(key))
            case HTTPStatus.NOT_FOUND:
                return NotFoundError(message, status=answer.status)
            case HTTPStatus.TOO_MANY_REQUESTS:
                return RateLimitedError(
                    message, status=answer.status, transient=True, retry_after=wait
                )
            case _:
                return StatusError(
                    message,
                    status=answer.status,
                    transient=answer.status in PASSING,
                    retry_after=wait,
                )


HOLDING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""Statuses whose `Retry-After` holds the whole account back (documented for both)."""


def _agent(agent_id: str) -> str:
    return f"/api/agents/{quote(agent_id, safe='')}"


@asynccontextmanager
async def connect(
    account: Account, key: Key, observer: Observer, poll_timeout: float
) -> AsyncIterator[Client]:
    """Open the account's session and yield its client. `poll_timeout` is in seconds."""
    async with open_session() as session:
        yield Client(account, key, session, observer, REQUEST_SHARE * poll_timeout)
