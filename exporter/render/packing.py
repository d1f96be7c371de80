"""The parts of a page as they are added; small texts that last are deflated together, and kept.

An agent's lines of one family are too short to be deflated alone, and are mostly the same at the
next scrape: so neighbours are deflated once, until one of them is another.
"""

from collections.abc import Sequence

from exporter.render.gzip_stream import Fragment, Part, deflate

LARGEST = 32 * 1024
"""Bytes of text that are deflated together, or little more: what one change costs, at least."""


class SharedFragment:
    """Texts that follow each other, and all of them as one fragment."""

    __slots__ = ("fragment", "texts")

    def __init__(self, texts: list[bytes]) -> None:
        self.texts = texts
        self.fragment = deflate(b"".join(texts))


class ExpositionBuilder:
    """A page that is put together; its `runs` are the `former` ones of the next.

    Texts are told apart from former ones by what they say, so a page never depends on `former`.
    """

    def __init__(self, former: Sequence[SharedFragment] = ()) -> None:
        self._former = former
        self.runs: list[SharedFragment] = []
        self._parts: list[Part] = []
        self._waiting: list[bytes] = []
        self._size = 0

    def fragment(self, fragment: Fragment) -> None:
        """Add what is deflated already."""
        if self._waiting:
            self._close()
        self._parts.append(fragment)

    def lasting(self, text: bytes) -> None:
        """Add a text that is likely to be the same at the next scrape."""
        self._waiting.append(text)
        self._size += len(text)
        if self._size >= LARGEST:
            self._close()

    def passing(self, text: bytes) -> None:
        """Add a text that is for this scrape only."""
        if self._waiting:
            self._close()
        self._parts.append(text)

    def parts(self) -> list[Part]:
        """Return the parts of the page, now that nothing more is added."""
        if self._waiting:
            self._close()
        return self._parts

    def _close(self) -> None:
        place = len(self.runs)
        former = self._former[place] if place < len(self._former) else None
        run = former if former and former.texts == self._waiting else SharedFragment(self._waiting)
        self.runs.append(run)
        self._parts.append(run.fragment)
        self._waiting, self._size = [], 0
