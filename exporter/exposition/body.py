"""A page as the body of an answer: its length is known before it is sent."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from exporter.exposition.deflate import HEADER, Part, Trailer, fragments, inflate, length
from exporter.exposition.pace import Pace

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
        pace = Pace()
        for pieces in self._chunks:
            yield b"".join(pieces)
            await pace.rest()


def plain(parts: Sequence[Part]) -> Body:
    """Return the text itself; it is inflated while it is sent."""
    runs = cut(parts, length, CHUNK)
    return Body((map(inflate, run) for run in runs), sum(map(length, parts)))


async def gzipped(parts: Sequence[Part]) -> Body:
    """Return the text as one gzip member."""
    pace, trailer, pieces = Pace(), Trailer(), [HEADER]
    following = fragments(parts, CHUNK)
    while run := list(itertools.islice(following, RUN)):
        trailer.see(run)
        pieces.extend([fragment.deflated for fragment in run])
        await pace.rest()
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
