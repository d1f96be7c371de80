"""The API's responses as typed records.

A record names the fields that the exporter needs, and the decoder skips the rest without building
it: `webhookSecret` (a live secret in every batch, documented), an agent's `callTemplate` and the
records of scheduled calls (customers' data) never become objects. Unknown fields are expected and
ignored; fields that the schema requires must be present, with the documented type. A record that
differs from the schema is unreadable; the other records of its page are read (see `decoding`).
"""

import sys
from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import msgspec

from exporter.api.decoding import Count, PageDecoder, RecordDecoder
from exporter.errors import PayloadError
from exporter.model import Batch

Identifier = Annotated[str, msgspec.Meta(min_length=1)]
Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 with a zone, the fraction of the second optional (observed).

A timestamp without a zone is unreadable: a wrong guess would move a window by hours.
"""


class BatchRecord(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One scheduled batch (documented). Fields with a default are optional and may be null."""

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
    """The account of a key (documented). `allowedConcurrentCalls` is null without a hard cap.

    `subscriptionExpiration` is the time at which access ends unless credit remains, if there is one
    (documented). It is required, but no other field depends on it: without it, the rest is read.
    """

    active_calls: Count
    allowed_concurrent_calls: Count | None
    subscription_expiration: Timestamp | None = None


class ScheduledCallRecord(msgspec.Struct, frozen=True):
    """One scheduled call. Nothing of it is decoded: phone numbers, passwords (documented)."""


BATCH_PAGE = PageDecoder(BatchRecord, "batch_id")
AGENT_PAGE = PageDecoder(AgentRecord, "agent_id")
CALL_PAGE = PageDecoder(ScheduledCallRecord)
AGENT = RecordDecoder(AgentRecord, "agent_id")
ACCOUNT = RecordDecoder(AccountRecord, may_be_unreadable=("subscription_expiration",))


def next_cursor(url: str | None) -> str | None:
    """Return the cursor in a page's `next`, None on the last page.

    Only the cursor is taken, so that no response can name the host of the next request. Raises
    PayloadError where `next` is neither empty nor a URL with one cursor.
    """
    if not url:
        return None
    try:
        (cursor,) = parse_qs(urlsplit(url).query).get("cursor", [])
    except ValueError:
        raise PayloadError("`next` is not a URL with one cursor") from None
    return cursor


def to_batch(record: BatchRecord) -> Batch:
    """Return the record as the model's batch: whether it has a webhook is kept, the URL is not."""
    return Batch(
        batch_id=record.batch_id,
        created=record.created.timestamp(),
        total=record.total_count,
        completed=record.completed_count,
        paused=bool(record.paused),
        window_start=seconds(record.window_start),
        window_end=seconds(record.window_end),
        ended=seconds(record.ended_at),
        throttle=sys.intern(record.throttle or ""),
        webhook=bool(record.webhook_url),
    )


def seconds(moment: datetime | None) -> float | None:
    """Return a time in seconds since the epoch, None for None."""
    return None if moment is None else moment.timestamp()
