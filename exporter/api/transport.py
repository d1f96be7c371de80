"""One request and its response: no redirect followed, nothing repeated, the body limited."""

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import StrEnum
from http import HTTPStatus

import aiohttp
import msgspec
from aiohttp import hdrs
from yarl import URL

from exporter import __version__
from exporter.api.retry import TRANSIENT_STATUSES
from exporter.config import Account, Proxy, Secret, TlsFiles, proxy_of
from exporter.errors import PayloadError, UnreachableError

MAX_BODY = 64 * 2**20
"""Bytes of one body, decompressed. Agents carry their call templates, so a page may be large."""

MAX_HEADER = 64 * 2**10
"""Bytes of one header line. Proxies add policies and cookies that are longer than 8 KiB."""


class Resource(StrEnum):
    """What can be asked for: the values of the label `resource`."""

    AGENTS = "agents"
    AGENT = "agent"
    BATCHES = "scheduled_batches"
    CALLS = "scheduled_calls"
    ACCOUNT = "account"


class Response(msgspec.Struct, frozen=True):
    """One response. `date` is empty and `retry_after` None where the header is missing.

    `body` is empty unless the status is 200: the body of a refusal is not read.
    """

    status: int
    date: str
    retry_after: str | None
    body: bytes


class Session(msgspec.Struct, frozen=True):
    """The connections of one account."""

    client: aiohttp.ClientSession
    tls: TlsFiles
    proxy: Proxy | None


@asynccontextmanager
async def open_session(account: Account) -> AsyncIterator[Session]:
    """Yield a session to send the account's requests with. Raises ConfigError for a bad TLS file.

    It uses no cookies and no `.netrc`: the API key goes to the configured base URL only.
    """
    tls = TlsFiles(account.name, account.tls_config)
    proxy = proxy_of(account, account.base_url, os.environ)
    headers = {
        "Accept": "application/json",
        "User-Agent": f"ultravox-batch-exporter/{__version__}",
    }
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        max_field_size=MAX_HEADER,
        max_line_size=MAX_HEADER,
        middlewares=(_without_retries,),
        timeout=aiohttp.ClientTimeout(),
        trust_env=False,
    ) as client:
        yield Session(client, tls, proxy)


async def send(session: Session, resource: Resource, url: URL, key: Secret) -> Response:
    """Send one request and return the response, whatever its status.

    Raises PayloadError and UnreachableError; some of them are transient.
    """
    tls = session.tls.current()
    try:
        async with _get(session, url, key, tls) as response:
            body = await _read(resource, response) if response.status == HTTPStatus.OK else b""
            date = response.headers.get(hdrs.DATE, "")
            return Response(response.status, date, response.headers.get(hdrs.RETRY_AFTER), body)
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


async def _read(resource: Resource, response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for data in response.content.iter_any():
        body += data
        if len(body) > MAX_BODY:
            raise PayloadError(f"{resource}: the body is larger than {MAX_BODY} bytes")
    return bytes(body)


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
