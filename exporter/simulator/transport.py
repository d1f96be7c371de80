"""How an answer reaches the client, or fails to: the only part that writes to sockets."""

import asyncio
import gzip

from aiohttp import web

from exporter.simulator.api import Answer
from exporter.simulator.effects import CorruptGzip, CutBody, Huge, Reset, Transport

_COMPRESS_FROM = 1024  # bytes: smaller bodies are not worth it, and CDNs leave them alone
_MEBIBYTE = 1024 * 1024


async def forever() -> web.StreamResponse:
    """Wait until the server cancels the request: the client left, or the server closes."""
    never: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
    return await never


async def send(
    request: web.Request, answer: Answer, manner: Transport | None
) -> web.StreamResponse:
    """Send the answer, well or in the manner of a fault."""
    match manner:
        case None:
            return _whole(request, answer)
        case Reset():
            return _closed(request, web.Response())
        case CorruptGzip(garbage=garbage):
            return _corrupt(answer, garbage=garbage)
        case Huge(mebibytes=mebibytes):
            return await _huge(request, answer, mebibytes)
        case CutBody():
            return _closed(request, await _half(request, answer))
    return await _hanging(request, answer)


def _whole(request: web.Request, answer: Answer) -> web.Response:
    body = answer.content()
    headers = dict(answer.headers)
    if len(body) > _COMPRESS_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, mtime=0)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return web.Response(
        status=answer.status, body=body, content_type=answer.content_type, headers=headers
    )


def _corrupt(answer: Answer, *, garbage: bool) -> web.Response:
    packed = gzip.compress(answer.content(), mtime=0)
    return web.Response(
        status=answer.status,
        body=b"\x00garbage" * 8 if garbage else packed[: len(packed) // 2],
        content_type=answer.content_type,
        headers={"Content-Encoding": "gzip"},
    )


async def _half(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Announce the whole body, and send the first half of it."""
    body = answer.content()
    response = web.StreamResponse(status=answer.status, headers=dict(answer.headers))
    response.content_type = answer.content_type
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    return response


async def _hanging(request: web.Request, answer: Answer) -> web.StreamResponse:
    await _half(request, answer)
    return await forever()


async def _huge(request: web.Request, answer: Answer, mebibytes: int) -> web.StreamResponse:
    """Stream `{"padding": "xxx…", …the real object}`: valid JSON, if anybody reads that far."""
    response = web.StreamResponse(status=answer.status, headers=dict(answer.headers))
    response.content_type = answer.content_type
    await response.prepare(request)
    await response.write(b'{"padding":"')
    for _ in range(mebibytes):
        await response.write(b"x" * _MEBIBYTE)
    await response.write(b'",' + answer.content().removeprefix(b"{"))
    await response.write_eof()
    return response


def _closed(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection, whatever the response still promises."""
    request.protocol.force_close()
    return response
