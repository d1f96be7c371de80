"""One account at the API: its key, its requests, and what a failed response means.

Every request goes through `Client._get`: to the configured base URL only, within the account's
limits, and with retries. Each method takes the deadline of its caller; a cancelled call leaves
nothing behind.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

import structlog
from yarl import URL

from exporter.api import schemas
from exporter.api.body import Admit, Decoded, Decoder, LargeBodies
from exporter.api.deadline import Deadline
from exporter.api.decoding import Page, PageDecoder, Record
from exporter.api.pagination import pages_of
from exporter.api.rate_limit import RequestLimiter
from exporter.api.retry import (
    HOLD_STATUSES,
    TRANSIENT_STATUSES,
    ServerClock,
    retry_after,
    with_retries,
)
from exporter.api.schemas import AccountRecord, AgentRecord, BatchRecord
from exporter.api.transport import Observer, Resource, Response, Session, open_session, send
from exporter.config import Account, Key, Secret
from exporter.errors import (
    ApiError,
    AuthError,
    NotFoundError,
    PayloadError,
    RateLimitedError,
    StatusError,
    TimedOutError,
    TooLargeError,
)

log = structlog.get_logger()

PAGE_SIZE = 100
"""Records of a page asked for; no maximum is published, a server may send fewer (inferred)."""

SMALL_PAGE_SIZE = 10
"""Records asked for in the rest of a listing of which one page was too large."""

REQUEST_SHARE = 0.5
"""Share of a poll's timeout that one request may take: if it hangs, a retry still has time."""


class Client:
    """The API as one account's key sees it. Get one from `connect`.

    Every method that sends a request may raise any ApiError.
    """

    def __init__(
        self,
        account: Account,
        key: Key,
        session: Session,
        observer: Observer,
        request_timeout: float,
        bodies: LargeBodies,
    ) -> None:
        self._account = account
        self._key = key
        self._session = session
        self._observer = observer
        self._request_timeout = request_timeout
        self._bodies = bodies
        waited = partial(observer.rate_limit_wait, account.name)
        self.limiter = RequestLimiter(account.requests_per_second, waited)
        """Who may send a request; also holds by `Retry-After`."""
        self.server_clock = ServerClock()

    def batches(self, agent_id: str, deadline: Deadline) -> AsyncGenerator[Page[BatchRecord], None]:
        """Yield the pages of an agent's batches."""
        path = f"{_agent(agent_id)}/scheduled_batches"
        return self._pages(Resource.BATCHES, path, schemas.BATCH_PAGE, deadline)

    async def first_batches(self, agent_id: str, deadline: Deadline) -> Page[BatchRecord]:
        """Return the first page of an agent's batches."""
        async with aclosing(self.batches(agent_id, deadline)) as pages:
            return await anext(pages)

    def agents(self, deadline: Deadline) -> AsyncGenerator[Page[AgentRecord], None]:
        """Yield the pages of the account's agents."""
        return self._pages(Resource.AGENTS, "/api/agents", schemas.AGENT_PAGE, deadline)

    async def agent(self, agent_id: str, deadline: Deadline) -> AgentRecord:
        """Return one agent."""
        url = self._url(_agent(agent_id))
        return await self._get(Resource.AGENT, url, schemas.AGENT, deadline)

    async def account(self, deadline: Deadline) -> AccountRecord:
        """Return the account that the key belongs to: the cheapest request of the API."""
        url = self._url("/api/accounts/me")
        return await self._get(Resource.ACCOUNT, url, schemas.ACCOUNT, deadline)

    async def calls(
        self, agent_id: str, batch_id: str, status: str, deadline: Deadline
    ) -> int | None:
        """Return the number of a batch's calls in a status, None where the API gives no total.

        It is a background request: it begins only while no other request waits.
        """
        path = f"{_agent(agent_id)}/scheduled_batches/{_segment(batch_id)}/scheduled_calls"
        url = self._url(path, {"status": status, "pageSize": "1"})
        page = await self._get(Resource.CALLS, url, schemas.CALL_PAGE, deadline, background=True)
        return page.total

    def _url(self, path: str, query: Mapping[str, str] | None = None) -> URL:
        return URL(self._account.base_url + path, encoded=True).with_query(query)

    def _pages(
        self,
        resource: Resource,
        path: str,
        decoder: PageDecoder[Record],
        deadline: Deadline,
    ) -> AsyncGenerator[Page[Record], None]:
        size = PAGE_SIZE

        async def fetch(cursor: str | None) -> Page[Record]:
            nonlocal size
            query = {"pageSize": str(size)} | ({} if cursor is None else {"cursor": cursor})
            try:
                return await self._get(resource, self._url(path, query), decoder, deadline)
            except TooLargeError:
                if size == SMALL_PAGE_SIZE:
                    raise
            size = SMALL_PAGE_SIZE
            return await fetch(cursor)

        return pages_of(fetch)

    async def _get(
        self,
        resource: Resource,
        url: URL,
        decoder: Decoder[Decoded],
        deadline: Deadline,
        *,
        background: bool = False,
    ) -> Decoded:
        admitted = self.limiter.background_request if background else self.limiter.request

        async def ask() -> Decoded:
            async with admitted(deadline), self._bodies.admission(self._account.name) as admit:
                return decoder.decode(await self._ask(resource, url, admit), resource)

        on_retry = partial(self._observer.retry, self._account.name)
        return await with_retries(ask, deadline, on_retry)

    async def _ask(self, resource: Resource, url: URL, admit: Admit) -> bytes:
        """Return the body of one response with status 200; count the request however it ends."""
        clock = asyncio.get_running_loop().time
        began, code = clock(), "error"
        key = self._key.current()
        try:
            async with asyncio.timeout(self._request_timeout):
                response = await send(self._session, resource, url, key, admit)
            code = str(response.status)
        except TimeoutError:
            message = f"{resource}: no complete response within {self._request_timeout:g} s"
            raise TimedOutError(message, transient=True) from None
        finally:
            self._observer.request(self._account.name, resource, code, clock() - began)
        self.server_clock.read(response.date, began, clock())
        if response.status == HTTPStatus.OK:
            return response.body
        raise self._refusal(resource, response, key)

    def _refusal(self, resource: Resource, response: Response, key: Secret) -> ApiError:
        """Return the error for a status other than 200; hold the account where the API asks so."""
        message = f"{resource}: the API answered HTTP {response.status}"
        wait: float | None = None
        if response.status in HOLD_STATUSES and response.retry_after is not None:
            wait = retry_after(response.retry_after, response.date)
            self._hold(wait or 0.0, response.status)
        status = response.status
        match status:
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                return AuthError(message, status=status, transient=self._key.replaced(key))
            case HTTPStatus.NOT_FOUND:
                return NotFoundError(message, status=status)
            case HTTPStatus.TOO_MANY_REQUESTS:
                error: type[ApiError] = RateLimitedError
            case _:
                error = StatusError
        transient = status in TRANSIENT_STATUSES
        return error(message, status=status, transient=transient, retry_after=wait)

    def _hold(self, seconds: float, status: int) -> None:
        """Hold the account, and log it unless it is held already."""
        held = self.limiter.held_for() > 0
        self.limiter.hold(seconds)
        if seconds > 0 and not held:
            log.info(
                "account_held",
                account=self._account.name,
                seconds=round(self.limiter.held_for()),
                status=status,
            )


def _agent(agent_id: str) -> str:
    return f"/api/agents/{_segment(agent_id)}"


def _segment(ident: str) -> str:
    """Return an id as one segment of a URL's path. Raises PayloadError for `.` and `..`.

    These two name another path, however they are encoded.
    """
    if ident in {".", ".."}:
        raise PayloadError(f"{ident!r} is not an id: it names another path of the API")
    return quote(ident, safe="", errors="surrogatepass")


@asynccontextmanager
async def connect(
    account: Account, key: Key, observer: Observer, poll_timeout: float, bodies: LargeBodies
) -> AsyncIterator[Client]:
    """Open the account's session and yield its client. `poll_timeout` is in seconds.

    `bodies` is the same for all accounts of a process. Raises ConfigError for a bad TLS file.
    """
    async with open_session(account) as session:
        yield Client(account, key, session, observer, REQUEST_SHARE * poll_timeout, bodies)
