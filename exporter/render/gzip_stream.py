"""Deflated fragments of text, one gzip member made of them, and the body of one scrape.

A fragment is deflated on its own, ends at a byte boundary and does not end the deflate stream. So
fragments can be joined in any order, and their checksums can be combined.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar

import msgspec
from isal import isal_zlib

from exporter.render.checkpoint import WORK_LIMIT, Checkpoint

DEFLATE_LEVEL = 1
"""isal's level: its output is two fifths smaller than at level 0, and takes hardly longer."""

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""A gzip header without name, time and system: equal texts give equal bytes."""

DEFLATE_END = b"\x03\x00"
"""The last block of a deflate stream, an empty one."""

RAW_DEFLATE = -15
"""The window bits of a stream with neither a zlib header nor a gzip header."""

SHARED_SIZE = 32 * 1024
"""Bytes of text that share a fragment, or slightly more: the least to deflate after a change."""

WRITE_SIZE = 256 * 1024
"""Bytes of one write to the socket, or slightly more; and bytes of text deflated at once."""

FRAGMENTS_PER_CHECKPOINT = 16


class Fragment(msgspec.Struct, frozen=True, gc=False):
    """A text deflated, its CRC-32, and its length before that in bytes."""

    deflated: bytes
    crc: int
    length: int


Text: TypeAlias = Fragment | bytes
"""Lines of an exposition, deflated or not."""


def deflate(text: bytes) -> Fragment:
    """Return the text as a fragment."""
    stream = isal_zlib.compressobj(DEFLATE_LEVEL, isal_zlib.DEFLATED, RAW_DEFLATE)
    deflated = stream.compress(text) + stream.flush(isal_zlib.Z_SYNC_FLUSH)
    return Fragment(deflated, isal_zlib.crc32(text), len(text))


def inflate(text: Text) -> bytes:
    """Return the text, not deflated."""
    if isinstance(text, bytes):
        return text
    inflated: bytes = isal_zlib.decompressobj(RAW_DEFLATE).decompress(text.deflated)
    return inflated


def length(text: Text) -> int:
    """Return the length of the text in bytes, not deflated."""
    return len(text) if isinstance(text, bytes) else text.length


class SharedFragment:
    """Consecutive texts, and one fragment of all of them."""

    __slots__ = ("fragment", "texts")

    def __init__(self, texts: list[bytes]) -> None:
        self.texts = texts
        self.fragment = deflate(b"".join(texts))


class ExpositionBuilder:
    """Collects the texts of one exposition, in order.

    An agent's lines of one family are too short to be deflated alone, and rarely change between two
    scrapes. So such lines share fragments with their neighbours, and a shared fragment is deflated
    again only when one of its texts has changed. `previous` are the `shared` fragments of the last
    exposition; they save work, and change nothing in the result.
    """

    def __init__(self, previous: Sequence[SharedFragment] = ()) -> None:
        self._previous = previous
        self.shared: list[SharedFragment] = []
        self._texts: list[Text] = []
        self._pending: list[bytes] = []
        self._pending_size = 0

    def add(self, text: Text) -> None:
        """Add a text that is deflated already, or that is valid for this scrape only."""
        if self._pending:
            self._share()
        self._texts.append(text)

    def add_shared(self, text: bytes) -> None:
        """Add a text that is probably the same at the next scrape."""
        self._pending.append(text)
        self._pending_size += len(text)
        if self._pending_size >= SHARED_SIZE:
            self._share()

    def finish(self) -> list[Text]:
        """Return the texts; nothing can be added afterwards."""
        if self._pending:
            self._share()
        return self._texts

    def _share(self) -> None:
        index = len(self.shared)
        shared = self._previous[index] if index < len(self._previous) else None
        if shared is None or shared.texts != self._pending:
            shared = SharedFragment(self._pending)
        self.shared.append(shared)
        self._texts.append(shared.fragment)
        self._pending, self._pending_size = [], 0


def fragments(texts: Iterable[Text], max_size: int) -> Iterator[Fragment]:
    """Yield the texts as fragments; consecutive texts that are not deflated yet share one.

    Such a fragment ends with the text with which its length exceeds `max_size` bytes.
    """
    pending: list[bytes] = []
    size = 0
    for text in texts:
        if isinstance(text, Fragment):
            if pending:
                yield deflate(b"".join(pending))
                pending, size = [], 0
            yield text
            continue
        pending.append(text)
        size += len(text)
        if size > max_size:
            yield deflate(b"".join(pending))
            pending, size = [], 0
    if pending:
        yield deflate(b"".join(pending))


class Trailer:
    """The end of a gzip member, computed from all of its fragments in their order."""

    def __init__(self) -> None:
        self._crc = 0
        self._length = 0

    def add(self, following: Iterable[Fragment]) -> None:
        """Add the fragments that follow."""
        crc, total, combine = self._crc, self._length, isal_zlib.crc32_combine
        for fragment in following:
            crc = combine(crc, fragment.crc, fragment.length)
            total += fragment.length
        self._crc, self._length = crc, total

    def bytes(self) -> bytes:
        """Return the last block, the checksum, and the length in bytes modulo 2³²."""
        size = self._length % 2**32
        return DEFLATE_END + self._crc.to_bytes(4, "little") + size.to_bytes(4, "little")


class Body:
    """The body of one scrape, `length` bytes long.

    The bytes of a write are joined when it is sent. `work_limit`: see Checkpoint, in seconds.
    """

    def __init__(
        self, writes: Iterable[Iterable[bytes]], length: int, work_limit: float = WORK_LIMIT
    ) -> None:
        self._writes = writes
        self._work_limit = work_limit
        self.length = length

    async def writes(self) -> AsyncIterator[bytes]:
        """Yield the bytes of each write to the socket: WRITE_SIZE bytes, or slightly more."""
        checkpoint = Checkpoint(self._work_limit)
        for joined in self._writes:
            yield b"".join(joined)
            await checkpoint.reached()


def plain(texts: Sequence[Text], work_limit: float = WORK_LIMIT) -> Body:
    """Return the body without compression; texts are inflated when they are sent."""
    groups = grouped(texts, length, WRITE_SIZE)
    return Body((map(inflate, group) for group in groups), sum(map(length, texts)), work_limit)


async def gzipped(texts: Sequence[Text], work_limit: float = WORK_LIMIT) -> Body:
    """Return the body as one gzip member."""
    checkpoint, trailer, content = Checkpoint(work_limit), Trailer(), [GZIP_HEADER]
    every = fragments(texts, WRITE_SIZE)
    while following := list(itertools.islice(every, FRAGMENTS_PER_CHECKPOINT)):
        trailer.add(following)
        content.extend([fragment.deflated for fragment in following])
        await checkpoint.reached()
    content.append(trailer.bytes())
    return Body(grouped(content, len, WRITE_SIZE), sum(map(len, content)), work_limit)


Item = TypeVar("Item")


def grouped(items: Sequence[Item], size: Callable[[Item], int], least: int) -> Iterator[list[Item]]:
    """Yield the items in groups whose sizes add up to `least` or more; the last may be smaller."""
    start = total = 0
    for end, item in enumerate(items, 1):
        total += size(item)
        if total >= least:
            yield list(items[start:end])
            start, total = end, 0
    yield list(items[start:])
