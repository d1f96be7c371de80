"""The series that the exporter must serve, computed from API records without its code."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

STATES = ("ended", "paused", "window_closed", "scheduled", "drained", "active")

Record = Mapping[str, Any]
"""A batch as the API lists it."""


def seconds(text: str) -> float:
    """Return an API timestamp as seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def state(record: Record, now: float) -> str:
    """Return the state of a batch at `now`: the first whose condition is true."""
    start, end = record.get("windowStart"), record.get("windowEnd")
    if record["endedAt"]:
        return "ended"
    if record.get("paused"):
        return "paused"
    if end and seconds(end) <= now:
        return "window_closed"
    if start and seconds(start) > now:
        return "scheduled"
    return "drained" if record["completedCount"] >= record["totalCount"] else "active"


def batch_series(account: str, agent_id: str, record: Record, now: float) -> dict[str, float]:
    """Return a batch's series, without `last_progress`, which depends on earlier polls."""
    identity = f'account="{account}",agent_id="{agent_id}",batch_id="{record["batchId"]}"'
    series = {
        f"ultravox_batch_calls{{{identity}}}": record["totalCount"],
        f"ultravox_batch_calls_completed{{{identity}}}": record["completedCount"],
        f"ultravox_batch_calls_remaining{{{identity}}}": max(
            record["totalCount"] - record["completedCount"], 0
        ),
        f"ultravox_batch_created_timestamp_seconds{{{identity}}}": seconds(record["created"]),
        f'ultravox_batch_info{{{identity},throttle="{record.get("throttle") or ""}",'
        f'webhook="{"true" if record.get("webhookUrl") else "false"}"}}': 1,
    }
    for name, field in (
        ("window_start", "windowStart"),
        ("window_end", "windowEnd"),
        ("ended", "endedAt"),
    ):
        if record.get(field):
            series[f"ultravox_batch_{name}_timestamp_seconds{{{identity}}}"] = seconds(
                record[field]
            )
    if record.get("windowEnd") and not record["endedAt"]:
        opens = max(now, seconds(record["windowStart"])) if record.get("windowStart") else now
        remaining = max(seconds(record["windowEnd"]) - opens, 0)
        series[f"ultravox_batch_window_remaining_seconds{{{identity}}}"] = remaining
    if not record["endedAt"]:
        series[f"ultravox_batch_paused{{{identity}}}"] = 1 if record.get("paused") else 0
    for each in ("ended",) if record["endedAt"] else STATES:
        labels = f'{identity},state="{each}"'
        series[f"ultravox_batch_state{{{labels}}}"] = 1 if state(record, now) == each else 0
    return series


def kept(records: Iterable[Record], now: float, keep_ended: float = 21600.0) -> list[Record]:
    """Return the records that are exported: live, or ended less than `keep_ended` seconds ago."""
    return [
        record
        for record in records
        if not record["endedAt"] or now - seconds(record["endedAt"]) < keep_ended
    ]


def agent_sums(
    account: str, agent_id: str, records: Iterable[Record], now: float
) -> dict[str, float]:
    """Return an agent's sums by state over the records that are exported."""
    records = list(records)
    series: dict[str, float] = {}
    for each in STATES:
        chosen = [record for record in records if state(record, now) == each]
        labels = f'{{account="{account}",agent_id="{agent_id}",state="{each}"}}'
        series["ultravox_agent_batches" + labels] = len(chosen)
        series["ultravox_agent_calls" + labels] = sum(record["totalCount"] for record in chosen)
        series["ultravox_agent_calls_completed" + labels] = sum(
            record["completedCount"] for record in chosen
        )
    return series
