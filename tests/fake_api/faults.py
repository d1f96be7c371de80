"""Faults: which requests they hit, and their effects. Tests add and remove them at any time.

Before, After                        the account changes while a client reads it
Delay, Hang                          no answer yet, or never
Status, Redirect, Replace, NotJson   another answer
WrongType, Missing                   the API's answer with wrong records
ForeignNext, RepeatNext, EmptyNext,
NoLinks, NoTotal, WithoutNext,
OldestFirst                          the API's answer with other links, or in another order
Headers, Respelled                   the API's answer with other headers, or otherwise written
HangInBody, CutBody, Reset, Huge,
CorruptGzip, Bomb, Raw               an answer that breaks while it is sent
"""

from collections.abc import Callable
from pathlib import PurePosixPath

import msgspec

from exporter.simulator import pagination

_LISTINGS = ("agents", "scheduled_batches", "scheduled_calls")
_AGENT = 3  # the index of the agent's id in a path that is split at its slashes


class Before(msgspec.Struct, frozen=True):
    """Run `call` before the answer is made: the answer shows the change."""

    call: Callable[[], object]


class After(msgspec.Struct, frozen=True):
    """Run `call` when the answer is made and not yet sent: only later answers show the change."""

    call: Callable[[], object]


class Delay(msgspec.Struct, frozen=True):
    """Wait `seconds` (real ones), then answer as the account is at that time."""

    seconds: float


class Hang(msgspec.Struct, frozen=True):
    """Never answer: the connection is open until the client closes it."""


class Status(msgspec.Struct, frozen=True):
    """Answer with this status.

    `retry_after` is the header's value: seconds, or an HTTP date (the sample in the API's reference
    parses both). Without `body` the answer is `{"detail": REASON}`; a CDN's own status has none.
    """

    status: int
    retry_after: int | str | None = None
    body: str | bytes | None = None
    content_type: str = "application/json"


class Redirect(msgspec.Struct, frozen=True):
    """Answer with a redirect to `location`, an absolute URL."""

    location: str
    status: int = 302


class Replace(msgspec.Struct, frozen=True):
    """Answer with `body`: bytes as they are, any other value as JSON."""

    body: object
    content_type: str = "application/json"
    status: int = 200


class NotJson(msgspec.Struct, frozen=True):
    """Answer 200 with a page of HTML, as a captive portal does."""


class WrongType(msgspec.Struct, frozen=True):
    """Put `value` into `field` of each record of a page, or of the answer if it is no page.

    With `index`, only that record of the page has it (0 is the first).
    """

    field: str
    value: object
    index: int | None = None


class Missing(msgspec.Struct, frozen=True):
    """Leave `field` out of each record of a page, or of the answer if it is no page.

    With `index`, only that record of the page lacks it (0 is the first).
    """

    field: str
    index: int | None = None


class ForeignNext(msgspec.Struct, frozen=True):
    """Let `next` name another server, `base_url` (no slash at its end), with the same cursor."""

    base_url: str


class RepeatNext(msgspec.Struct, frozen=True):
    """Let `next` be the page itself: a pagination loop."""


class EmptyNext(msgspec.Struct, frozen=True):
    """Write `""` for the `next` of the last page (observed once)."""


class NoLinks(msgspec.Struct, frozen=True):
    """Leave `next` and `previous` out of the last page (the schema allows it)."""


class WithoutNext(msgspec.Struct, frozen=True):
    """Leave `next` out of each page: the list seems to end there."""


class NoTotal(msgspec.Struct, frozen=True):
    """Leave `total` out of the page (the schema allows it)."""


class Headers(msgspec.Struct, frozen=True):
    """Send the answer with these headers, each in place of one with the same name."""

    headers: tuple[tuple[str, str], ...]


class Respelled(msgspec.Struct, frozen=True):
    """Write the same values in another way: counts as `100.0`, the second 59 as leap second 60."""


class OldestFirst(msgspec.Struct, frozen=True):
    """List in the opposite order. For whole listings: a cursor is valid in one order only."""


class HangInBody(msgspec.Struct, frozen=True):
    """Send the headers and half the body, then nothing until the client closes."""


class CutBody(msgspec.Struct, frozen=True):
    """Announce the whole body, send half of it, close the connection."""


class Reset(msgspec.Struct, frozen=True):
    """Close the connection without an answer."""


class Huge(msgspec.Struct, frozen=True):
    """Stream a field of that many MiB before the real object, without `Content-Length`."""

    mebibytes: int


class CorruptGzip(msgspec.Struct, frozen=True):
    """Send gzip that can't be decompressed: half of it, or with `garbage` bytes of no gzip."""

    garbage: bool = False


class Bomb(msgspec.Struct, frozen=True):
    """Send gzip that has that many MiB of spaces before the real object."""

    mebibytes: int


class Raw(msgspec.Struct, frozen=True):
    """Send the bytes that `make` returns as the whole response, then close the connection."""

    make: Callable[[], bytes]


Transport = HangInBody | CutBody | Reset | Huge | CorruptGzip | Bomb | Raw
"""The effects on the connection while an answer is sent."""

Effect = (
    Before
    | After
    | Delay
    | Hang
    | Status
    | Redirect
    | Replace
    | NotJson
    | WrongType
    | Missing
    | ForeignNext
    | RepeatNext
    | EmptyNext
    | NoLinks
    | NoTotal
    | WithoutNext
    | Headers
    | Respelled
    | OldestFirst
    | Transport
)
"""Any of them."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """An effect, and the requests that it hits: those that match everything given.

    `path` is a glob of whole segments (`/api/agents/*/scheduled_batches`); `*` alone matches every
    path. `page` counts the pages of a listing from 1. `times` is the largest number of requests
    that are hit, None for no limit.
    """

    effect: Effect
    path: str = "*"
    agent_id: str | None = None
    page: int | None = None
    times: int | None = None


class Handle:
    """A fault that was added; `hits` is the number of requests that it hit."""

    def __init__(self, faults: "Faults", fault: Fault) -> None:
        self.fault = fault
        self.hits = 0
        self._faults = faults

    def remove(self) -> None:
        """Remove the fault; no effect if it is removed already."""
        self._faults.remove(self)


class Faults:
    """The faults in force, in the order in which they were added."""

    def __init__(self) -> None:
        self._handles: list[Handle] = []

    def add(self, fault: Fault) -> Handle:
        """Add a fault: it hits requests from the next one on."""
        handle = Handle(self, fault)
        self._handles.append(handle)
        return handle

    def remove(self, handle: Handle) -> None:
        """Remove a fault; no effect if it is removed already."""
        self._handles = [other for other in self._handles if other is not handle]

    def clear(self) -> None:
        """Remove all faults."""
        self._handles.clear()

    def hit(self, path: str, cursor: str | None) -> list[Effect]:
        """Return the effects on a request, and count each as a hit; `cursor` is the query's."""
        matching = [handle for handle in self._handles if _matches(handle, path, cursor)]
        for handle in matching:
            handle.hits += 1
        return [handle.fault.effect for handle in matching]


def page_number(path: str, cursor: str | None) -> int | None:
    """Return the number of the page that a request asks for; None if it asks for no page."""
    if path.rpartition("/")[2] not in _LISTINGS:
        return None
    try:
        return pagination.decode(cursor or "").number
    except pagination.BadCursorError:
        return None


def _matches(handle: Handle, path: str, cursor: str | None) -> bool:
    fault = handle.fault
    return (
        (fault.times is None or handle.hits < fault.times)
        and PurePosixPath(path).match(fault.path)
        and (fault.agent_id is None or path.split("/")[_AGENT : _AGENT + 1] == [fault.agent_id])
        and (fault.page is None or fault.page == page_number(path, cursor))
    )
