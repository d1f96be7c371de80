"""The table of agents, and the charts of agents."""

from grafana_foundation_sdk.builders import table, timeseries

from tools.dashboard.panels import CALLS, PER_MINUTE, chart
from tools.dashboard.queries import (
    COMPLETION_RATE,
    SELECTED,
    by_agent,
    by_batch,
    gauge,
    with_agent_name,
)
from tools.dashboard.tables import Column, coloured_codes, table_panel

_BATCHES = "ultravox_agent_batches"
_NOT_CLOSED = 'state=~"active|scheduled|paused"'
_HEALTH = coloured_codes({0: ("down", "red"), 1: ("up", "transparent")})


def _sum(metric: str, *matchers: str) -> str:
    return by_agent(gauge(metric, *matchers), "sum")


REMAINING = (
    f"{_sum('ultravox_agent_calls', _NOT_CLOSED)}"
    f" - {_sum('ultravox_agent_calls_completed', _NOT_CLOSED)}"
)


def agents_table() -> table.Panel:
    """Return the table of agents."""
    active = with_agent_name(_sum(_BATCHES, 'state="active"'))
    age = f"time() - {by_agent(SELECTED.last_success)}"
    return table_panel(
        "Agents",
        "Sums over all batches of an agent, also of batches without series of their own. If an"
        " agent is down, or its Data age is high, no alert about its batches is reliable: look at"
        " Exporter and API. Hidden: batches without series, so without alerts; raise"
        " max_per_agent.",
        [
            Column("Health", "up", 100, "none", by_agent(gauge("ultravox_agent_up")), _HEALTH),
            Column("Account", "account", 140),
            Column("Agent", "agent", 260),
            Column("Agent id", "agent_id", 310),
            Column("Active", "active", 90, "locale", active),
            Column("Paused", "paused", 90, "locale", _sum(_BATCHES, 'state="paused"')),
            Column("Scheduled", "scheduled", 100, "locale", _sum(_BATCHES, 'state="scheduled"')),
            Column("Remaining calls", "remaining", 140, "locale", REMAINING),
            Column("Data age", "age", 110, "s", age),
            Column("Hidden", "hidden", 90, "locale", _sum("ultravox_agent_batches_hidden")),
        ],
        sort_by="Remaining calls",
        if_empty="no agents",
    )


def agent_charts() -> list[timeseries.Panel]:
    """Return the charts of agents."""
    rate = by_agent(by_batch(COMPLETION_RATE), "sum")
    return [
        chart(
            "Remaining calls by agent",
            "Remaining calls of all active, scheduled and paused batches of each agent. If a line"
            " does not decrease while batches are active, look at that agent's batches.",
            CALLS,
            (with_agent_name(f"({REMAINING})"), "{{agent}}"),
        ),
        chart(
            "Completion rate by agent",
            "Calls that the active batches of each agent complete per minute, measured over the"
            " time chosen at the top. Agents share the concurrency limit of their account: one"
            " that makes more calls may slow down the others.",
            PER_MINUTE,
            (with_agent_name(f"(60 * {rate})"), "{{agent}}"),
        ),
    ]
