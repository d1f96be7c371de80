"""Deflated text, put together as one gzip member; and the body of an answer to a scrape.

A fragment is deflated alone and ends at a byte boundary without being the last of its stream: so
fragments can follow each other in any order, and their checksums combine.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar

import msgspec
from isal import isal_zlib

from exporter.render.checkpoint import Checkpoint

LEVEL = 1
"""isal's: two fifths smaller than level 0 for such text, and hardly slower."""

HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""A gzip header: no name, no time, no system. Equal pages are equal bytes."""

END = b"\x03\x00"
"""The last block of a deflate stream, an empty one."""

_RAW = -15
"""Window bits that mean: neither zlib's header nor gzip's."""


class Fragment(msgspec.Struct, frozen=True, gc=False):
    """A text deflated, with its CRC-32 and its length in bytes."""

    deflated: bytes
    crc: int
    length: int


Part: TypeAlias = Fragment | bytes
"""A piece of a page: deflated already, or not."""


def deflate(text: bytes) -> Fragment:
    """Return the text as a fragment."""
    stream = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, _RAW)
    deflated = stream.compress(text) + stream.flush(isal_zlib.Z_SYNC_FLUSH)
    return Fragment(deflated, isal_zlib.crc32(text), len(text))


def inflate(part: Part) -> bytes:
    """Return a part's text."""
    if isinstance(part, bytes):
        return part
    text: bytes = isal_zlib.decompressobj(_RAW).decompress(part.deflated)
    return text


def length(part: Part) -> int:
    """Return the number of bytes of a part's text."""
    return len(part) if isinstance(part, bytes) else part.length


def fragments(parts: Iterable[Part], largest: int) -> Iterator[Fragment]:
    """Yield the parts as fragments; neighbours that are not deflated yet are deflated together.

    No such fragment holds more than `largest` bytes of text and one part.
    """
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        if isinstance(part, Fragment):
            if waiting:
                yield deflate(b"".join(waiting))
                waiting, size = [], 0
            yield part
            continue
        waiting.append(part)
        size += len(part)
        if size > largest:
            yield deflate(b"".join(waiting))
            waiting, size = [], 0
    if waiting:
        yield deflate(b"".join(waiting))


class Trailer:
    """The end of a gzip member, once every fragment has been seen in its order."""

    def __init__(self) -> None:
        self._crc = 0
        self._length = 0

    def see(self, following: Iterable[Fragment]) -> None:
        """Take the fragments that follow into account."""
        crc, total, combine = self._crc, self._length, isal_zlib.crc32_combine
        for fragment in following:
            crc = combine(crc, fragment.crc, fragment.length)
            total += fragment.length
        self._crc, self._length = crc, total

    def bytes(self) -> bytes:
        """Return the last block, the checksum, and the length modulo 2³²."""
        return END + self._crc.to_bytes(4, "little") + (self._length % 2**32).to_bytes(4, "little")


RUN = 16
"""Fragments between two looks at the clock."""

CHUNK = 256 * 1024
"""Bytes that are sent at once, or little more; and text that is deflated at once."""

Piece = TypeVar("Piece")


class Body:
    """Bytes to send, in chunks that are worth a write, and their `length` altogether.

    A chunk is put together when it is sent.
    """

    def __init__(self, chunks: Iterable[Iterable[bytes]], length: int) -> None:
        self._chunks = chunks
        self.length = length

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes."""
        checkpoint = Checkpoint()
        for pieces in self._chunks:
            yield b"".join(pieces)
            await checkpoint.reached()


def plain(parts: Sequence[Part]) -> Body:
    """Return the text itself; it is inflated while it is sent."""
    runs = cut(parts, length, CHUNK)
    return Body((map(inflate, run) for run in runs), sum(map(length, parts)))


async def gzipped(parts: Sequence[Part]) -> Body:
    """Return the text as one gzip member."""
    checkpoint, trailer, pieces = Checkpoint(), Trailer(), [HEADER]
    following = fragments(parts, CHUNK)
    while run := list(itertools.islice(following, RUN)):
        trailer.see(run)
        pieces.extend([fragment.deflated for fragment in run])
        await checkpoint.reached()
    pieces.append(trailer.bytes())
    return Body(cut(pieces, len, CHUNK), sum(map(len, pieces)))


def cut(pieces: Sequence[Piece], size: Callable[[Piece], int], least: int) -> Iterator[list[Piece]]:
    """Yield the pieces in runs whose sizes add up to `least` or a little more; and what is left."""
    start = total = 0
    for end, piece in enumerate(pieces, 1):
        total += size(piece)
        if total >= least:
            yield list(pieces[start:end])
            start, total = end, 0
    yield list(pieces[start:])
