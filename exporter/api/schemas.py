"""The API's answers as typed records.

A record names the fields that the exporter needs, and the decoder skips the rest without building
it: `webhookSecret` (a live secret in every batch, documented), an agent's `callTemplate` and the
rows of scheduled calls (customers' data) never become objects. Unknown fields are expected and
ignored; fields that the schema requires must be there, with the documented type.
"""

import sys
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from exporter.errors import PayloadError
from exporter.model import Batch

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Up to the largest number that a sample can hold exactly: more calls there are nowhere."""

Identifier = Annotated[str, msgspec.Meta(min_length=1)]
Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 with a zone, the fraction of the second optional (observed).

Without a zone it is refused: guessing one could move a window by hours.
"""


class BatchRecord(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One scheduled batch (documented). What has a default is optional and may be null."""

    batch_id: Identifier
    created: Timestamp
    total_count: Count
    completed_count: Count
    ended_at: Timestamp | None
    window_start: Timestamp | None = None
    window_end: Timestamp | None = None
    throttle: str | None = None
    webhook_url: str | None = None
    paused: bool | None = None


class AgentRecord(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One agent. `name` is optional and not unique (documented)."""

    agent_id: Identifier
    name: str | None = None


class AccountRecord(msgspec.Struct, frozen=True, rename="camel"):
    """The account of a key (documented). `allowedConcurrentCalls` is null without a hard cap."""

    active_calls: Count
    allowed_concurrent_calls: Count | None


class ScheduledCallRecord(msgspec.Struct, frozen=True):
    """One scheduled call. Nothing of it is decoded: phone numbers, passwords (documented)."""


Row = TypeVar("Row")


class Page(msgspec.Struct, Generic[Row], frozen=True):
    """One page. Only `results` is required (documented); `next` may be `""` (observed)."""

    results: list[Row]
    next: str | None = None
    total: Count | None = None


BATCH_PAGE = msgspec.json.Decoder(Page[BatchRecord])
AGENT_PAGE = msgspec.json.Decoder(Page[AgentRecord])
CALL_PAGE = msgspec.json.Decoder(Page[ScheduledCallRecord])
AGENT = msgspec.json.Decoder(AgentRecord)
ACCOUNT = msgspec.json.Decoder(AccountRecord)

Record = TypeVar("Record")


def decode(decoder: msgspec.json.Decoder[Record], body: bytes, endpoint: str) -> Record:
    """Return the body of an endpoint's answer as the decoder's record.

    Raises PayloadError for whatever else the body is; its message names the place and the type
    expected there.
    """
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PayloadError(f"{endpoint}: not the documented answer: {error}") from None


def next_cursor(url: str | None) -> str | None:
    """Return the cursor in a page's `next`, None on the last page.

    Only the cursor is taken, so that no answer can name the host that is asked next. Raises
    PayloadError where `next` is neither empty nor a URL with one cursor.
    """
    if not url:
        return None
    try:
        (cursor,) = parse_qs(urlsplit(url).query).get("cursor", [])
    except ValueError:
        raise PayloadError("`next` is not a URL with one cursor") from None
    return cursor


def to_batch(row: BatchRecord) -> Batch:
    """Return the row as the model's batch; that a webhook is set is kept, its URL is not."""
    return Batch(
        batch_id=row.batch_id,
        created=row.created.timestamp(),
        total=row.total_count,
        completed=row.completed_count,
        paused=bool(row.paused),
        window_start=_seconds(row.window_start),
        window_end=_seconds(row.window_end),
        ended=_seconds(row.ended_at),
        throttle=sys.intern(row.throttle or ""),
        webhook=bool(row.webhook_url),
    )


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
