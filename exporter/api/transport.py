"""One request and its response: no redirect followed, nothing repeated, the body limited."""

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol

import aiohttp
import msgspec
from aiohttp import hdrs
from yarl import URL

from exporter import __version__
from exporter.api.body import ENCODINGS, READ, Admit, read_body
from exporter.api.resolver import Lookup, Resolver, system_lookup
from exporter.api.retry import TRANSIENT_STATUSES
from exporter.config import Account, Proxy, Secret, TlsFiles, proxy_of
from exporter.errors import PayloadError, UnreachableError

MAX_HEADER = 64 * 2**10
"""Bytes of one header line. Proxies add policies and cookies that are longer than 8 KiB."""


class Resource(StrEnum):
    """What can be asked for: the values of the label `resource`."""

    AGENTS = "agents"
    AGENT = "agent"
    BATCHES = "scheduled_batches"
    CALLS = "scheduled_calls"
    ACCOUNT = "account"


MAX_BODY = {
    Resource.AGENTS: 8 * 2**20,
    Resource.AGENT: 2 * 2**20,
    Resource.BATCHES: 4 * 2**20,
    Resource.CALLS: 2**20,
    Resource.ACCOUNT: 256 * 2**10,
}
"""Bytes of one body, decompressed. Agents carry their call templates: 80 KiB each on a
full page."""


class Response(msgspec.Struct, frozen=True):
    """One response. `date` is empty and `retry_after` None where the header is missing.

    `body` is empty unless the status is 200: the body of a refusal is not read.
    """

    status: int
    date: str
    retry_after: str | None
    body: bytes


class Observer(Protocol):
    """Counts requests."""

    def request(self, account: str, resource: str, code: str, seconds: float) -> None:
        """Count one request; `code` is the status, or `error` without a complete response."""
        ...

    def retry(self, account: str, reason: str) -> None:
        """Count one retry, by the reason of the failure before it."""
        ...

    def rate_limit_wait(self, account: str, seconds: float) -> None:
        """Count the seconds that a request waited for the account's rate limit."""
        ...


class Session(msgspec.Struct, frozen=True):
    """The connections of one account."""

    client: aiohttp.ClientSession
    tls: TlsFiles
    proxy: Proxy | None


@asynccontextmanager
async def open_session(account: Account, lookup: Lookup = system_lookup) -> AsyncIterator[Session]:
    """Yield a session to send the account's requests with. Raises ConfigError for a bad TLS file.

    `lookup` finds the addresses of a host. The session uses no cookies and no `.netrc`: the API key
    goes to the configured base URL only.
    """
    tls = TlsFiles(account.name, account.tls_config)
    proxy = proxy_of(account, account.base_url, os.environ)
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": ENCODINGS,
        "User-Agent": f"ultravox-batch-exporter/{__version__}",
    }
    resolver = Resolver(lookup)
    async with aiohttp.ClientSession(
        auto_decompress=False,
        connector=aiohttp.TCPConnector(resolver=resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        max_field_size=MAX_HEADER,
        max_line_size=MAX_HEADER,
        middlewares=(_without_retries,),
        read_bufsize=READ,
        timeout=aiohttp.ClientTimeout(),
        trust_env=False,
    ) as client:
        try:
            yield Session(client, tls, proxy)
        finally:
            await resolver.close()


async def send(
    session: Session, resource: Resource, url: URL, key: Secret, admit: Admit
) -> Response:
    """Send one request and return the response, whatever its status.

    `admit` is awaited before a large body is read. Raises PayloadError and
    UnreachableError; some of them are transient.
    """
    tls = session.tls.current()
    try:
        async with _get(session, url, key, tls) as response:
            return await _answer(resource, response, admit)
    except PayloadError as error:
        raise type(error)(f"{resource}: {error}", transient=error.transient) from None
    except aiohttp.ClientPayloadError:
        message = f"{resource}: the response broke off before its end"
        raise PayloadError(message, transient=True) from None
    except aiohttp.ClientHttpProxyError as error:
        message = f"{resource}: the proxy answered HTTP {error.status} to CONNECT"
        raise UnreachableError(message, transient=error.status in TRANSIENT_STATUSES) from None
    except aiohttp.ClientResponseError as error:
        raise PayloadError(f"{resource}: {_invalid_http(error)}") from None
    except _BrokenError:
        message = f"{resource}: the connection broke before the response"
        raise UnreachableError(message, transient=True) from None
    except aiohttp.ClientError as error:
        # The text of aiohttp has the address of the TLS context in memory.
        message = f"{resource}: {error}".replace(f" ssl:{tls}", "")
        if isinstance(error, aiohttp.ClientProxyConnectionError):
            message = message.replace("to host", "to the proxy", 1)
        raise UnreachableError(message) from None
    except UnicodeError:
        # Python raises it for some host names, before the name server is asked.
        raise UnreachableError(f"{resource}: the host name can't be looked up") from None


async def _answer(resource: Resource, response: aiohttp.ClientResponse, admit: Admit) -> Response:
    """Return the response with its body, which is read only if the status is 200."""
    body, headers = b"", response.headers
    if response.status == HTTPStatus.OK:
        encoding = headers.get(hdrs.CONTENT_ENCODING, "")
        body = await read_body(response.content, encoding, MAX_BODY[resource], admit)
    date = headers.get(hdrs.DATE, "")
    return Response(response.status, date, headers.get(hdrs.RETRY_AFTER), body)


def _get(
    session: Session, url: URL, key: Secret, tls: ssl.SSLContext
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    """Return the request. The proxy gets its headers and never the API key."""
    address, proxy_headers = None, None
    if session.proxy is not None:
        address = session.proxy.url
        proxy_headers = [(name, value.reveal()) for name, value in session.proxy.headers]
    return session.client.get(
        url,
        headers={"X-API-Key": key.reveal()},
        allow_redirects=False,
        ssl=tls,
        proxy=address,
        proxy_headers=proxy_headers,
    )


def _invalid_http(error: aiohttp.ClientResponseError) -> str:
    """Return what is wrong with a response that aiohttp can't read.

    aiohttp's message may quote the response, so only its beginning is read.
    """
    if error.message.startswith("Got more than"):
        return f"a header of the response is larger than {MAX_HEADER} bytes"
    if error.message.startswith("Too many headers"):
        return "the response has too many headers"
    return "the response is not valid HTTP"


class _BrokenError(aiohttp.ClientError):
    """The connection broke before the response."""


async def _without_retries(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a request: a second owner of retries would multiply them."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        raise _BrokenError from None
