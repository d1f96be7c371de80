"""A page as the body of an answer: its length is known before it is sent."""

import itertools
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

from exporter.exposition.deflate import HEADER, Fragment, Part, Trailer, fragments, inflate, length
from exporter.exposition.pace import Pace

RUN = 16
"""Fragments between two looks at the clock."""

CHUNK = 256 * 1024
"""Bytes that are sent at once, or little more; and text that is deflated at once."""


class Body:
    """Bytes to send, in pieces, and their `length` altogether."""

    def __init__(self, pieces: Iterable[bytes], length: int) -> None:
        self._pieces = pieces
        self.length = length

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes in chunks that are worth a write."""
        pace, waiting, size = Pace(), list[bytes](), 0
        for piece in self._pieces:
            waiting.append(piece)
            size += len(piece)
            if size >= CHUNK:
                yield b"".join(waiting)
                waiting, size = [], 0
            await pace.rest()
        yield b"".join(waiting)


def plain(parts: Sequence[Part]) -> Body:
    """Return the text itself; it is inflated while it is sent."""
    return Body(map(inflate, parts), sum(map(length, parts)))


async def gzipped(parts: Sequence[Part]) -> Body:
    """Return the text as one gzip member."""
    pace, trailer, pieces = Pace(), Trailer(), [HEADER]
    for run in batched(fragments(parts, CHUNK), RUN):
        trailer.see(run)
        pieces.extend([fragment.deflated for fragment in run])
        await pace.rest()
    pieces.append(trailer.bytes())
    return Body(pieces, sum(map(len, pieces)))


def batched(fragments: Iterator[Fragment], size: int) -> Iterator[list[Fragment]]:
    """Yield lists of so many fragments, and what is left over."""
    while run := list(itertools.islice(fragments, size)):
        yield run
