"""One request and its answer: no redirect followed, nothing repeated, the body capped."""

from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from http import HTTPStatus

import aiohttp
import msgspec
from aiohttp import hdrs
from yarl import URL

from exporter import __version__
from exporter.config import Secret
from exporter.errors import PayloadError, UnreachableError

MAX_BODY = 64 * 2**20
"""Bytes of one answer, inflated. Agents carry their call templates, so a page may be large."""


class Resource(StrEnum):
    """What can be asked: the values of the `endpoint` label."""

    AGENTS = "agents"
    AGENT = "agent"
    BATCHES = "scheduled_batches"
    CALLS = "scheduled_calls"
    ACCOUNT = "account"


class Answer(msgspec.Struct, frozen=True):
    """What came back. `date` and `retry_after` are headers, empty and None where they are missing.

    The body of a refusal is not read: nobody needs it.
    """

    status: int
    date: str
    retry_after: str | None
    body: bytes


def open_session() -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    """Return a session to ask with, to be closed by its user.

    Neither cookies, proxies from the environment nor `.netrc` take part: a key goes where it is
    sent, and nowhere else.
    """
    headers = {
        "Accept": "application/json",
        "User-Agent": f"ultravox-batch-exporter/{__version__}",
    }
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        middlewares=(_once,),
        timeout=aiohttp.ClientTimeout(),
        trust_env=False,
    )


async def exchange(
    session: aiohttp.ClientSession, endpoint: Resource, url: URL, key: Secret
) -> Answer:
    """Ask once and return the answer, whatever its status.

    Raises PayloadError and UnreachableError; some of them are transient.
    """
    sent = {"X-API-Key": key.reveal()}
    try:
        async with session.get(url, headers=sent, allow_redirects=False) as response:
            body = await _read(endpoint, response) if response.status == HTTPStatus.OK else b""
            headers = response.headers
            return Answer(
                response.status, headers.get(hdrs.DATE, ""), headers.get(hdrs.RETRY_AFTER), body
            )
    except aiohttp.ClientPayloadError as error:
        message = f"{endpoint}: the answer broke: {type(error).__name__}"
        raise PayloadError(message, transient=True) from None
    except aiohttp.ClientResponseError as error:
        raise PayloadError(f"{endpoint}: no HTTP: {type(error).__name__}") from None
    except _BrokenError as error:
        raise UnreachableError(f"{endpoint}: {error}", transient=True) from None
    except aiohttp.ClientError as error:
        raise UnreachableError(f"{endpoint}: {type(error).__name__}: {error}") from None


async def _read(endpoint: Resource, response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise PayloadError(f"{endpoint}: more than {MAX_BODY} bytes")
    return bytes(body)


class _BrokenError(aiohttp.ClientError):
    """The connection broke before an answer."""


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from asking again by itself: a second owner of retries would multiply them."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _BrokenError(f"the connection broke: {type(error).__name__}") from None
