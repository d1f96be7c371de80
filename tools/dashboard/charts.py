"""Charts: how batches come along, what agents and accounts make of them, and with what outcome."""

from grafana_foundation_sdk.builders import common, table, timeseries
from grafana_foundation_sdk.models.common import StackingMode

from exporter.rules.sources import operand
from tools.dashboard.batches import LEFT, NEEDED, PROGRESS
from tools.dashboard.parts import CALLS, PER_MINUTE, against, against_allowed, chart, limited
from tools.dashboard.queries import (
    LEFT_AT_CLOSE,
    PACE,
    SELECTED,
    THRESHOLDS,
    by_agent,
    by_batch,
    last,
    line,
    named,
)
from tools.dashboard.tables import Column, coloured, rows

_BATCH = "{{agent}} \u00b7 {{batch}}"
_FEW = 10
"""Batches in charts that have two lines each."""

_FRACTION = (
    f"({SELECTED.window_end} - time()) / ({SELECTED.window_end} - {operand(SELECTED.opening)} > 0)"
)
PLAN = f"{SELECTED.calls} * clamp({_FRACTION}, 0, 1)"
"""Calls that would be left if they were spread evenly over the window."""

AGAINST_NEEDED = f"60 * {by_batch(PACE)} / {NEEDED}"
_STILL = 'state=~"active|scheduled|paused"'
_SEEN = "ultravox_agent_batches"


def batch_charts() -> list[timeseries.Panel]:
    """Return how batches come along, in the order in which they are looked at."""
    return [*_progress(), *_against_window()]


def _progress() -> list[timeseries.Panel]:
    progress = chart(
        "Progress",
        "Completed calls of each batch, as a share of all. A line that is flat before 100 %"
        " stands still: look at its state above.",
        "percentunit",
        (line(PROGRESS), _BATCH),
    )
    return [
        progress.max(1),
        chart(
            "Pace",
            "Calls that each running batch completes a minute, over the pace interval. Where all"
            " fall together, look at Concurrency and at Exporter and API.",
            PER_MINUTE,
            (line(f"60 * {operand(PACE)}"), _BATCH),
        ),
    ]


def _against_window() -> list[timeseries.Panel]:
    needed = chart(
        "Pace against needed",
        "The pace as a share of what each batch needs to be done when its window closes."
        " Below the dashed line it will have calls left: give it more concurrency, or"
        " schedule the rest anew. Batches without an end of their window have no line.",
        "percentunit",
        (line(AGAINST_NEEDED), _BATCH),
    )
    return [
        limited(needed, ((None, "red"), (1, "green"))),
        against(
            "Left against plan",
            "Calls left, and dashed what would be left if the calls were spread evenly over the"
            " window. A line above its plan is behind: see whether it catches up under Calls"
            f" left at close. The {_FEW} batches with the most calls left.",
            CALLS,
            (line(LEFT, _FEW), _BATCH),
            (line(PLAN, _FEW), f"plan: {_BATCH}"),
        ),
        chart(
            "Calls left at close",
            "Calls that each running batch will have left when its window closes, if its pace stays"
            " as it is. Zero is good; what is above, schedule anew or speed up now.",
            CALLS,
            (line(LEFT_AT_CLOSE), _BATCH),
        ),
    ]


def agents() -> table.Panel:
    """Return the table of agents."""
    return rows(
        "Agents",
        "Each agent with all of its batches, those without series of their own among them. If Poll"
        " is failed or Data age is high, look at Exporter and API: its batches are not watched."
        " Hidden batches have no alerts: raise max_per_agent.",
        [
            Column("Poll", "up", 100, "none", by_agent(last("ultravox_agent_up")), _UP),
            Column("Account", "account", 140),
            Column("Agent", "agent", 260),
            Column("Agent id", "agent_id", 310),
            Column("Active", "active", 90, "locale", named(_sum(_SEEN, 'state="active"'))),
            Column("Paused", "paused", 90, "locale", _sum(_SEEN, 'state="paused"')),
            Column("Scheduled", "scheduled", 100, "locale", _sum(_SEEN, 'state="scheduled"')),
            Column("Calls left", "left", 110, "locale", AGENT_LEFT),
            Column("Data age", "age", 110, "s", f"time() - {by_agent(SELECTED.last_success)}"),
            Column("Hidden", "hidden", 90, "locale", _sum("ultravox_agent_batches_hidden")),
        ],
        worst="Calls left",
        empty="no agents",
    )


_UP = coloured({0: ("failed", "red"), 1: ("ok", "transparent")})


def _sum(metric: str, *matchers: str) -> str:
    series = last(metric, *matchers)
    return by_agent(series, "sum")


AGENT_LEFT = (
    f"{_sum('ultravox_agent_calls', _STILL)} - {_sum('ultravox_agent_calls_completed', _STILL)}"
)


def agent_charts() -> list[timeseries.Panel]:
    """Return how agents come along."""
    pace = by_agent(by_batch(PACE), "sum")
    return [
        chart(
            "Calls left by agent",
            "Calls that can still be made, of all batches of an agent: running, scheduled and"
            " paused ones. A line that does not fall while batches run: look at that agent's"
            " batches.",
            CALLS,
            (named(f"({AGENT_LEFT})"), "{{agent}}"),
        ),
        chart(
            "Calls a minute by agent",
            "Calls that an agent's running batches complete a minute, over the pace interval."
            " Agents share the account's concurrency: one that rises may slow the others.",
            PER_MINUTE,
            (named(f"(60 * {pace})"), "{{agent}}"),
        ),
    ]


def concurrency() -> timeseries.Panel:
    """Return the active calls of accounts and how many there may be."""
    return against_allowed(
        "Concurrency",
        "Active calls of each account, and dashed how many there may be at once. Where the two"
        " meet, batches wait for each other: start fewer at a time, or ask Ultravox for more.",
        CALLS,
        last("ultravox_account_active_calls"),
        last("ultravox_account_allowed_concurrent_calls"),
    )


def outcomes() -> list[timeseries.Panel]:
    """Return what became of the calls, where the exporter asks for it."""
    calls = "ultravox_batch_scheduled_calls"
    every = f"max by (account, agent_id, batch_id, status) ({last(calls)})"
    errors = by_batch(last(calls, 'status="error"', without="status"))
    made = last(calls, 'status=~"success|error"')
    share = f"{errors} / (sum by (account, agent_id, batch_id) ({made}) > 0)"
    stacked = chart(
        "Outcomes",
        "Calls of the chosen batches by status. Many errors: look at the telephone numbers and at"
        " the telephone provider. Only with batches.outcomes in the exporter's configuration.",
        CALLS,
        (f"sum by (status) ({every})", "{{status}}"),
    )
    return [
        stacked.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
        .fill_opacity(40)
        .no_value("outcomes are off"),
        limited(
            chart(
                "Errors by batch",
                "Errors among the calls that each batch made. Above the dashed line there is an"
                " alert: read the errors in Ultravox before more of the list is dialled. Only with"
                " batches.outcomes in the exporter's configuration.",
                "percentunit",
                (line(share), _BATCH),
            ).no_value("outcomes are off"),
            ((None, "green"), (THRESHOLDS.error_share, "red")),
        ),
    ]
