"""One request and its response: no redirect followed, nothing repeated, the body limited."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from http import HTTPStatus

import aiohttp
import msgspec
from aiohttp import hdrs
from yarl import URL

from exporter import __version__
from exporter.config import Account, Secret, TlsFiles
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


@asynccontextmanager
async def open_session(account: Account) -> AsyncIterator[Session]:
    """Yield a session to send the account's requests with. Raises ConfigError for a bad TLS file.

    It uses no cookies and no `.netrc`: the API key goes to the configured base URL only.
    """
    tls = TlsFiles(account.name, account.tls_config)
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
        yield Session(client, tls)


async def send(session: Session, resource: Resource, url: URL, key: Secret) -> Response:
    """Send one request and return the response, whatever its status.

    Raises PayloadError and UnreachableError; some of them are transient.
    """
    headers = {"X-API-Key": key.reveal()}
    try:
        async with session.client.get(
            url, headers=headers, allow_redirects=False, ssl=session.tls.current()
        ) as response:
            body = await _read(resource, response) if response.status == HTTPStatus.OK else b""
            date = response.headers.get(hdrs.DATE, "")
            return Response(response.status, date, response.headers.get(hdrs.RETRY_AFTER), body)
    except aiohttp.ClientPayloadError:
        message = f"{resource}: the response broke off before its end"
        raise PayloadError(message, transient=True) from None
    except aiohttp.ClientResponseError as error:
        raise PayloadError(f"{resource}: {_invalid_http(error)}") from None
    except _BrokenError:
        message = f"{resource}: the connection broke before the response"
        raise UnreachableError(message, transient=True) from None
    except aiohttp.ClientError as error:
        raise UnreachableError(f"{resource}: {error}") from None
    except UnicodeError:
        # Python raises it for some host names, before the name server is asked.
        raise UnreachableError(f"{resource}: the host name can't be looked up") from None


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
