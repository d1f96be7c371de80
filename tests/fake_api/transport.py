"""Answers that break while they are sent."""

import asyncio
import gzip
from contextlib import suppress
from functools import cache

from aiohttp import web

from tests.fake_api.answers import content
from tests.fake_api.faults import (
    Bomb,
    CorruptGzip,
    CutBody,
    HangInBody,
    Huge,
    Raw,
    Reset,
    Transport,
)

_MEBIBYTE = 1024 * 1024


async def hang() -> web.StreamResponse:
    """Wait until the server cancels the request: the client closed, or the server closes."""
    never: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
    return await never


async def send(request: web.Request, answer: web.Response, effect: Transport) -> web.StreamResponse:
    """Send the answer with the effect of a fault."""
    match effect:
        case Reset():
            return await _last(request, b"")
        case CorruptGzip() | Bomb():
            return _gzip(answer, _compressed(content(answer), effect))
        case Raw(make=make):
            return await _last(request, make())
        case Huge(mebibytes=mebibytes):
            return await _huge(request, answer, mebibytes)
        case CutBody():
            sent = await _half(request, answer)
            _close(request)
            return sent
        case HangInBody():
            await _half(request, answer)
            return await hang()


def _compressed(body: bytes, effect: CorruptGzip | Bomb) -> bytes:
    """Return the body as the effect compresses it."""
    compressed = gzip.compress(body, mtime=0)
    if isinstance(effect, Bomb):
        return _bomb(effect.mebibytes) + compressed
    return b"\x00garbage" * 8 if effect.garbage else compressed[: len(compressed) // 2]


@cache
def _bomb(mebibytes: int) -> bytes:
    """Return gzip of that many MiB of spaces, which may be in front of JSON."""
    return gzip.compress(b" " * _MEBIBYTE, mtime=0) * mebibytes


def _gzip(answer: web.Response, body: bytes) -> web.Response:
    """Return the answer with a body that is announced as gzip."""
    return web.Response(
        status=answer.status,
        body=body,
        content_type=answer.content_type,
        headers={"Content-Encoding": "gzip"},
    )


async def _half(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Announce the whole body, and send the first half of it."""
    body = content(answer)
    response = _stream(answer)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    return response


async def _huge(request: web.Request, answer: web.Response, mebibytes: int) -> web.StreamResponse:
    """Stream `{"padding": "xxx…", …the real object}`: valid JSON for a client that reads it all."""
    response = _stream(answer)
    await response.prepare(request)
    # A client that has read enough closes the connection.
    with suppress(ConnectionError):
        await response.write(b'{"padding":"')
        for _ in range(mebibytes):
            await response.write(b"x" * _MEBIBYTE)
        await response.write(b'",' + content(answer).removeprefix(b"{"))
        await response.write_eof()
    return response


def _stream(answer: web.Response) -> web.StreamResponse:
    """Return a response with the answer's status and headers, whose body is written in parts."""
    headers = answer.headers.copy()
    headers.popall("Content-Length", None)
    return web.StreamResponse(status=answer.status, headers=headers)


async def _last(request: web.Request, response: bytes) -> web.StreamResponse:
    """Send bytes as the whole response, and close the connection."""
    assert request.transport is not None
    request.transport.write(response)
    _close(request)
    return await hang()


def _close(request: web.Request) -> None:
    """Close the connection, even if the response announced more."""
    request.protocol.force_close()
