"""The API's records: JSON as the API writes it, by one pure function for each kind of record.

Field names and their order are the published schema's (documented). The canaries are made-up
strings in the places of secrets and personal data: no monitor may show, log or store them.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from exporter.simulator.model import Account, Agent, Batch

Record = dict[str, Any]
"""A JSON object."""

TEMPLATE_CANARY = "canary-call-template-c03e"
"""In `callTemplate` of every agent."""

PHONE_CANARY = "+15550100"
"""The first digits of every phone number in scheduled calls (a range reserved for fiction)."""

METADATA_CANARY = "canary-customer-data-77ab"
"""In the metadata and the template context of every scheduled call."""

_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_PROMPT = " ".join(
    [
        TEMPLATE_CANARY,
        *["You are a friendly caller: listen first, then answer in short words."] * 90,
    ]
)
_TEMPLATE: Record = {
    "model": "fixie-ai/ultravox",
    "systemPrompt": _PROMPT,
    "voice": "Mark",
    "languageHint": "en",
    "selectedTools": [{"toolName": f"tool-{number}"} for number in range(8)],
}


def microseconds(seconds: float) -> int:
    """Return unix seconds in whole microseconds: the API's timestamps have no more (observed)."""
    return round(seconds * 1_000_000)


def timestamp(seconds: float) -> str:
    """Return text like `2025-03-22T15:48:32.997086Z` (observed); no zero fraction (inferred)."""
    moment = _UNIX + timedelta(microseconds=microseconds(seconds))
    return moment.isoformat().removesuffix("+00:00") + "Z"


def batch_record(batch: Batch) -> Record:
    """Return a batch's record; optional fields are null, or left out where `omitted` names them."""
    record: Record = {
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
    return {name: value for name, value in record.items() if name not in batch.omitted}


def agent_record(agent: Agent) -> Record:
    """Return an agent's record with its large template; without `name` where it has none.

    `statistics.calls` is always 0: no known monitor reads it.
    """
    record: Record = {"agentId": agent.agent_id, "publishedRevisionId": None, "name": agent.name}
    if agent.name is None:
        del record["name"]
    template = {"callTemplate": _TEMPLATE, "statistics": {"calls": 0}}
    return record | {"created": timestamp(agent.created)} | template


def account_record(account: Account, account_id: str) -> Record:
    """Return the account's record: all fields that the schema requires, most of them constant."""
    nulls = ("Tier", "Cadence", "ScheduledUpdate", "Renewal")
    return {
        "accountId": account_id,
        "name": account.name,
        "billingUrl": "https://billing.example.com/simulated",
        "freeTimeUsed": "0s",
        "freeTimeRemaining": "1800s",
        "hasActiveSubscription": True,
        **{f"subscription{name}": None for name in nulls},
        "subscriptionExpiration": _optional(account.subscription_expiration),
        "activeCalls": account.active_calls,
        "allowedConcurrentCalls": account.allowed_concurrent_calls,
        "allowedVoices": None,
        "allowedCorpora": None,
    }


def call_record(batch_id: str, status: str, index: int) -> Record:
    """Return a scheduled call's record; its personal data are canaries."""
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
    """Return the status of call `index` if calls are sorted by status in the order of `counts`."""
    last = list(accumulate(counts.values()))
    return list(counts)[bisect_right(last, index)]


def _optional(seconds: float | None) -> str | None:
    return None if seconds is None else timestamp(seconds)
