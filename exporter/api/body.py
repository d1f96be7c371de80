"""The body of a response, in bounded memory: inflated piece by piece, up to the resource's limit.

A few bytes can inflate to gigabytes, and four requests of each account run at once. So a body that
grows beyond `FREE` waits: `LargeBodies` admits one of each account, and three in all.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol, TypeVar

from aiohttp import StreamReader
from isal import isal_zlib
from isal.igzip_lib import IsalError

from exporter.errors import PayloadError, TooLargeError

FREE = 64 * 2**10
"""Bytes of a body that need no admission. A page of 100 batches of the simulator has 26 KB."""

READ = 16 * 2**10
"""Bytes that are taken from a connection at a time."""

PIECE = 64 * 2**10
"""Bytes that are inflated before the event loop runs again: far below 1 ms."""

CONCURRENT = 3
"""Large bodies in memory at the same time: with one of each account, two slow accounts can't
delay a third."""

ENCODINGS = "gzip, deflate"
"""What the exporter can inflate, as the header `Accept-Encoding` of a request."""

_ANY_HEADER = 47
_NO_HEADER = -15
_DEFLATE_METHOD = 8

Decoded = TypeVar("Decoded", covariant=True)  # noqa: PLC0105 - named like the other type variables

Admit = Callable[[], Awaitable[None]]
"""Waits until a body may grow beyond `FREE`."""


class Decoder(Protocol[Decoded]):
    """Decodes the body of one response."""

    def decode(self, body: bytes, resource: str) -> Decoded:
        """Return the body as typed records. Raises PayloadError."""
        ...


class _Inflater(Protocol):
    """What this module needs of `isal_zlib.decompressobj`."""

    eof: bool
    unused_data: bytes
    unconsumed_tail: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes of output. Raises IsalError."""
        ...


class LargeBodies:
    """Whose large body may be in memory. One instance serves all accounts."""

    def __init__(self, concurrent: int = CONCURRENT) -> None:
        self._all = asyncio.Semaphore(concurrent)
        self._accounts: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def admission(self, account: str) -> AsyncIterator[Admit]:
        """Yield the admission of one body. It ends with the context."""
        async with AsyncExitStack() as held:

            async def take() -> None:
                lock = self._accounts.setdefault(account, asyncio.Lock())
                await held.enter_async_context(lock)
                await held.enter_async_context(self._all)

            yield take


async def read_body(content: StreamReader, encoding: str, limit: int, admit: Admit) -> bytes:
    """Return a body of at most `limit` bytes without its content encoding.

    Raises TooLargeError for a longer one, PayloadError for one that can't be inflated.
    """
    body = bytearray()
    async for piece in _pieces(content, encoding.strip().lower()):
        size = len(body) + len(piece)
        if size > limit:
            raise TooLargeError(f"the body is larger than {limit} bytes")
        if len(body) <= FREE < size:
            await admit()
        body += piece
    return bytes(body)


async def _pieces(content: StreamReader, encoding: str) -> AsyncIterator[bytes]:
    """Yield a body in pieces of limited size, without its content encoding."""
    if encoding in {"", "identity"}:
        async for data in content.iter_chunked(READ):
            yield data
        return
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise PayloadError(f"the body has the content encoding {encoding[:40]!r}: expected gzip")
    inflater: _Inflater | None = None
    async for data in content.iter_chunked(READ):
        rest = data
        while rest:
            # A body may have several members, each with a header of its own.
            if inflater is None or inflater.eof:
                inflater = _inflater(rest, encoding)
            yield _inflate(inflater, rest)
            rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            await asyncio.sleep(0)
    while inflater is not None and not inflater.eof:
        # The last bytes may still be in the decompressor.
        if not (piece := _inflate(inflater, b"")):
            raise PayloadError("the response broke off before its end", transient=True)
        yield piece


def _inflater(data: bytes, encoding: str) -> _Inflater:
    """Return a decompressor. Some servers send deflate without the header of its format."""
    bare = encoding == "deflate" and data[0] & 0x0F != _DEFLATE_METHOD
    inflater: _Inflater = isal_zlib.decompressobj(_NO_HEADER if bare else _ANY_HEADER)
    return inflater


def _inflate(inflater: _Inflater, data: bytes) -> bytes:
    try:
        return inflater.decompress(data, PIECE)
    except IsalError:  # type: ignore[misc]  # isal declares the class as an instance
        raise PayloadError("the body can't be inflated") from None
