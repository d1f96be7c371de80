"""JSON as the API writes it, from frozen records: pure functions, one a resource.

Field names and their order are the published schema's (documented).
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import msgspec

from exporter.simulator.canaries import METADATA_CANARY, PHONE_CANARY, TEMPLATE_CANARY
from exporter.simulator.model import Account, Batch

Row = dict[str, Any]
"""A JSON object."""

_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_PROMPT = " ".join(
    [
        TEMPLATE_CANARY,
        *["You are a friendly caller: listen first, then answer in short words."] * 90,
    ]
)
_TEMPLATE: Row = {
    "model": "fixie-ai/ultravox",
    "systemPrompt": _PROMPT,
    "voice": "Mark",
    "languageHint": "en",
    "selectedTools": [{"toolName": f"tool-{number}"} for number in range(8)],
}


class AgentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as the API knows it now; `created` is unix seconds."""

    agent_id: str
    name: str | None
    created: float
    bare_pages: bool = False


def micros(seconds: float) -> int:
    """Unix seconds as whole microseconds: the resolution of the API's timestamps (observed)."""
    return round(seconds * 1_000_000)


def timestamp(seconds: float) -> str:
    """Like `2025-03-22T15:48:32.997086Z` (observed); a zero fraction is dropped (inferred)."""
    moment = _UNIX + timedelta(microseconds=micros(seconds))
    return moment.isoformat().removesuffix("+00:00") + "Z"


def batch_row(batch: Batch) -> Row:
    """Write a batch; optional fields are null, or left out where the record omits them."""
    row: Row = {
        "batchId": batch.batch_id,
        "created": timestamp(batch.created),
        "windowStart": _optional(batch.window_start),
        "windowEnd": _optional(batch.window_end),
        "throttle": batch.throttle,
        "webhookUrl": batch.webhook_url,
        "webhookSecret": batch.webhook_secret,
        "paused": batch.paused,
        "totalCount": batch.total_count,
        "completedCount": batch.completed_count,
        "endedAt": _optional(batch.ended_at),
    }
    return {name: value for name, value in row.items() if name not in batch.omitted}


def agent_row(agent: AgentRecord) -> Row:
    """Write an agent with its large template; `name` is left out where there is none.

    `statistics.calls` is always 0: nobody is known to read it.
    """
    row: Row = {"agentId": agent.agent_id, "publishedRevisionId": None, "name": agent.name}
    if agent.name is None:
        del row["name"]
    template = {"callTemplate": _TEMPLATE, "statistics": {"calls": 0}}
    return row | {"created": timestamp(agent.created)} | template


def account_row(account: Account, account_id: str) -> Row:
    """Write the account: every required field of the schema, most of them without meaning here."""
    nulls = ("Tier", "Cadence", "Expiration", "ScheduledUpdate", "Renewal")
    return {
        "accountId": account_id,
        "name": account.name,
        "billingUrl": "https://billing.example.com/simulated",
        "freeTimeUsed": "0s",
        "freeTimeRemaining": "1800s",
        "hasActiveSubscription": True,
        **{f"subscription{name}": None for name in nulls},
        "activeCalls": account.active_calls,
        "allowedConcurrentCalls": account.allowed_concurrent_calls,
        "allowedVoices": None,
        "allowedCorpora": None,
    }


def call_row(batch_id: str, status: str, index: int) -> Row:
    """Write a scheduled call full of personal data, all of it made up and all of it canaries."""
    number = f"{PHONE_CANARY}{index % 1000:03d}"
    return {
        "status": status,
        "batchId": batch_id,
        "callId": None,
        "error": f"no answer from {number}" if status == "ERROR" else None,
        "medium": {"twilio": {"outgoing": {"to": number, "from": f"{PHONE_CANARY}999"}}},
        "metadata": {"customer": METADATA_CANARY},
        "templateContext": {"name": METADATA_CANARY},
    }


def status_of(index: int, counts: Mapping[str, int]) -> str:
    """Return the status of call `index` when calls are sorted by status, in `counts`' order."""
    last = list(accumulate(counts.values()))
    return list(counts)[bisect_right(last, index)]


def _optional(seconds: float | None) -> str | None:
    return None if seconds is None else timestamp(seconds)
