"""What a fault does to a request: a closed set of frozen records, without behaviour of their own.

    Before, After                        change the account while somebody reads it
    Delay, Hang                          no answer yet, or ever
    Status, Redirect, Replace, NotJson   another answer in place of the real one
    WrongType, Missing                   the real answer with wrong rows
    ForeignNext, RepeatNext, EmptyNext,
    NoLinks, NoTotal, OldestFirst        the real page, linked or ordered otherwise
    HangInBody, CutBody, Reset, Huge,
    CorruptGzip                          an answer that goes wrong on its way

Several may hit one request: hooks run first, delays add up, changes to the answer are made in the
order in which the faults were added, and of the last group the first one decides.
"""

from collections.abc import Callable

import msgspec


class Before(msgspec.Struct, frozen=True):
    """Run `call` before the answer is composed: the answer shows the change."""

    call: Callable[[], object]


class After(msgspec.Struct, frozen=True):
    """Run `call` once the answer is composed: only later requests see the change.

    It runs before the first byte leaves, so that no client gets ahead of it.
    """

    call: Callable[[], object]


class Delay(msgspec.Struct, frozen=True):
    """Wait `seconds` (real ones), then answer as the account then is."""

    seconds: float


class Hang(msgspec.Struct, frozen=True):
    """Never answer: the connection stays open until the client leaves."""


class Status(msgspec.Struct, frozen=True):
    """Answer with this status.

    `retry_after` is the header's value: seconds, or an HTTP date (the reference's sample parses
    both). Without `body` the answer is `{"detail": REASON}`; CDNs' own statuses have no reason.
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
    """Put `value` in `field` of every row, or of the object where the answer is not a page."""

    field: str
    value: object


class Missing(msgspec.Struct, frozen=True):
    """Leave `field` out of every row, or of the object where the answer is not a page."""

    field: str


class ForeignNext(msgspec.Struct, frozen=True):
    """Let `next` point to another server, `base_url` (no slash at its end); the cursor stays."""

    base_url: str


class RepeatNext(msgspec.Struct, frozen=True):
    """Let `next` point to the page itself: the same cursor for ever."""


class EmptyNext(msgspec.Struct, frozen=True):
    """Write `""` for the `next` of the last page (observed once)."""


class NoLinks(msgspec.Struct, frozen=True):
    """Leave `next` and `previous` out of the last page (the schema allows it)."""


class NoTotal(msgspec.Struct, frozen=True):
    """Leave `total` out of the page (the schema allows it)."""


class OldestFirst(msgspec.Struct, frozen=True):
    """List in the opposite order. For whole listings: cursors of one order misfit the other."""


class HangInBody(msgspec.Struct, frozen=True):
    """Send the headers and half the body, then nothing until the client leaves."""


class CutBody(msgspec.Struct, frozen=True):
    """Announce the whole body, send half of it, close."""


class Reset(msgspec.Struct, frozen=True):
    """Close the connection without an answer."""


class Huge(msgspec.Struct, frozen=True):
    """Put a field of so many MiB before the real object, streamed, its length not announced."""

    mebibytes: int


class CorruptGzip(msgspec.Struct, frozen=True):
    """Send the body as gzip that can't be read: cut half-way, or with `garbage` no gzip at all."""

    garbage: bool = False


Transport = HangInBody | CutBody | Reset | Huge | CorruptGzip
"""The effects on an answer's way to the client."""

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
    | OldestFirst
    | Transport
)
"""Any of them."""
