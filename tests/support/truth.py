"""The promised series, made from the API's own rows without any of the exporter's code."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

STATES = ("ended", "paused", "window_closed", "scheduled", "drained", "active")

Row = Mapping[str, Any]


def seconds(text: str) -> float:
    """Return an API timestamp as seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def state(row: Row, now: float) -> str:
    """Return the state of a batch: the first that fits."""
    start, end = row.get("windowStart"), row.get("windowEnd")
    if row["endedAt"]:
        return "ended"
    if row.get("paused"):
        return "paused"
    if end and seconds(end) <= now:
        return "window_closed"
    if start and seconds(start) > now:
        return "scheduled"
    return "drained" if row["completedCount"] >= row["totalCount"] else "active"


def batch_series(account: str, agent_id: str, row: Row, now: float) -> dict[str, float]:
    """Return a batch's series, without `last_progress`, which the API does not report."""
    identity = f'account="{account}",agent_id="{agent_id}",batch_id="{row["batchId"]}"'
    series = {
        f"ultravox_batch_calls{{{identity}}}": row["totalCount"],
        f"ultravox_batch_calls_completed{{{identity}}}": row["completedCount"],
        f"ultravox_batch_calls_remaining{{{identity}}}": max(
            row["totalCount"] - row["completedCount"], 0
        ),
        f"ultravox_batch_created_timestamp_seconds{{{identity}}}": seconds(row["created"]),
        f'ultravox_batch_info{{{identity},throttle="{row.get("throttle") or ""}",'
        f'webhook="{"true" if row.get("webhookUrl") else "false"}"}}': 1,
    }
    for name, field in (
        ("window_start", "windowStart"),
        ("window_end", "windowEnd"),
        ("ended", "endedAt"),
    ):
        if row.get(field):
            series[f"ultravox_batch_{name}_timestamp_seconds{{{identity}}}"] = seconds(row[field])
    if row.get("windowEnd") and not row["endedAt"]:
        opens = max(now, seconds(row["windowStart"])) if row.get("windowStart") else now
        left = max(seconds(row["windowEnd"]) - opens, 0)
        series[f"ultravox_batch_window_remaining_seconds{{{identity}}}"] = left
    if not row["endedAt"]:
        series[f"ultravox_batch_paused{{{identity}}}"] = 1 if row.get("paused") else 0
    for each in ("ended",) if row["endedAt"] else STATES:
        labels = f'{identity},state="{each}"'
        series[f"ultravox_batch_state{{{labels}}}"] = 1 if state(row, now) == each else 0
    return series


def kept(rows: Iterable[Row], now: float, keep_ended: float) -> list[Row]:
    """Return the rows of batches that are live, or ended less than `keep_ended` seconds ago."""
    return [row for row in rows if not row["endedAt"] or now - seconds(row["endedAt"]) < keep_ended]


def agent_sums(account: str, agent_id: str, rows: Iterable[Row], now: float) -> dict[str, float]:
    """Return an agent's sums by state over the rows that are exported."""
    rows = list(rows)
    series: dict[str, float] = {}
    for each in STATES:
        chosen = [row for row in rows if state(row, now) == each]
        labels = f'{{account="{account}",agent_id="{agent_id}",state="{each}"}}'
        series["ultravox_agent_batches" + labels] = len(chosen)
        series["ultravox_agent_calls" + labels] = sum(row["totalCount"] for row in chosen)
        series["ultravox_agent_calls_completed" + labels] = sum(
            row["completedCount"] for row in chosen
        )
    return series
