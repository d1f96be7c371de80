"""The tables of batches, and their states over time."""

from grafana_foundation_sdk.builders import common, statetimeline, table
from grafana_foundation_sdk.models.common import (
    LegendDisplayMode,
    LegendPlacement,
    TimelineValueAlignment,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, FieldColorModeId

from exporter.rules.sources import OF_AGENT, operand
from tools.dashboard.parts import PER_MINUTE, POINTS, SCRAPED, SOURCE, colour, lines
from tools.dashboard.problems import LOST, PROBLEM, PROBLEMS, STALLED
from tools.dashboard.queries import (
    LEFT_AT_CLOSE,
    PACE,
    SELECTED,
    THRESHOLDS,
    by_batch,
    known,
    last,
    line,
    named,
)
from tools.dashboard.tables import GAUGE, Column, codes, coloured, linked, rows

STATES = {
    7: ("stalled", "red", STALLED),
    1: ("ended", "text", ""),
    2: ("window_closed", "purple", ""),
    3: ("drained", "blue", ""),
    5: ("paused", "yellow", ""),
    6: ("active", "green", ""),
    4: ("scheduled", "light-blue", ""),
}
"""Codes of states with text and colour: those first that win while replicas differ.

The highest code is that of no state of the exporter's: it is `active`, but the alert rules call it
stalled.
"""

SHOWN_STATES = {code: (name.replace("_", " "), tint) for code, (name, tint, _) in STATES.items()}

TO_BATCH = linked(
    "/d/ultravox-batches?${__url_time_range}&${datasource:queryparam}&${job:queryparam}"
    "&${interval:queryparam}&var-account=${__data.fields.account}"
    "&var-agent=$__all&var-batch=${__data.fields.batch_id}",
    "Only this batch",
)


def _state() -> str:
    parts = []
    for code, (name, _, batches) in STATES.items():
        state = last("ultravox_batch_state", f'state="{name}"', without="state")
        parts.append(f"0 * ({batches or f'{state} == 1'}) + {code}")
    return by_batch("\nor ".join(parts))


STATE = _state()
PROGRESS = by_batch(f"{SELECTED.completed} / ({SELECTED.calls} > 0)")
LEFT = by_batch(SELECTED.remaining)
# It falls: of two replicas, the one that was scraped last has the least.
WINDOW_LEFT = by_batch(last("ultravox_batch_window_remaining_seconds", operator="min"))
NEEDED = by_batch(
    f"60 * {SELECTED.remaining} / (({known(SELECTED.window_end)}) - time() > 0)\n"
    f"unless {SELECTED.ended}"
)
FINISH = by_batch(
    f"1000 * ({SELECTED.remaining} / ({operand(PACE)} > 0)\n"
    f"+ {OF_AGENT} group_left () {operand(SELECTED.not_stale)})"
)
AT_CLOSE = by_batch(f"{LEFT_AT_CLOSE}\nor {LOST}")

_ROUND = DynamicConfigValue("decimals", 0)
_ONE = DynamicConfigValue("decimals", 1)
_DASH = DynamicConfigValue("noValue", "\u2013")
_BAR = (
    DynamicConfigValue("custom.cellOptions", GAUGE),
    DynamicConfigValue("min", 0),
    DynamicConfigValue("max", 1),
    DynamicConfigValue("color", {"mode": "continuous-blues"}),
    _ROUND,
)


def _columns(first: Column) -> list[Column]:
    return [
        first,
        Column("Account", "account", 100),
        Column("Agent", "agent", 170),
        Column("Batch", "batch_id", 290, further=(TO_BATCH,)),
        Column("Progress", "progress", 130, "percentunit", PROGRESS, _BAR),
        Column("Calls", "calls", 70, "locale", named(by_batch(SELECTED.calls)), (_ROUND,)),
        Column("Left", "left", 70, "locale", LEFT, (_ROUND,)),
        Column("Pace", "pace", 90, PER_MINUTE, f"60 * {by_batch(PACE)}", (_ONE, _DASH)),
        Column("Needed", "needed", 90, PER_MINUTE, NEEDED, (_ONE, _DASH)),
        Column("Finish", "finish", 150, "dateTimeAsIsoNoDateIfToday", FINISH, (_DASH,)),
        Column("Window left", "window", 100, "s", WINDOW_LEFT, (_ONE, _DASH)),
        Column("Left at close", "at_close", 110, "locale", AT_CLOSE, (_ROUND, _DASH)),
    ]


def attention() -> table.Panel:
    """Return the table of the batches in which something is wrong."""
    shown = {each.rank: (each.name, each.colour) for each in PROBLEMS}
    return rows(
        "Batches that need attention",
        "The worst first; a batch's id leads to it alone. Not started and Stalled: look into"
        " Ultravox now. Too slow: more concurrency, or the rest anew. Paused and Missed: schedule"
        " the calls that are left anew. No rows: nothing is wrong, if the numbers above show"
        " data.",
        _columns(Column("Problem", "problem", 100, "none", PROBLEM, coloured(shown))),
        only="problem",
        worst="Problem",
        empty="none",
    )


def every() -> table.Panel:
    """Return the table of all batches."""
    first = Column("State", "state", 110, "none", STATE, coloured(SHOWN_STATES))
    return rows(
        "All batches",
        "Each batch that the exporter serves, ended ones for a day. Click a heading to sort, a"
        " batch's id to see it alone. Pace and Finish are those of the interval chosen above; a"
        " dash: not known, or not applicable.",
        _columns(first),
        worst="State",
        empty="no batches",
    )


def states() -> statetimeline.Panel:
    """Return the states over time."""
    return (
        statetimeline.Panel()
        .title("States")
        .description(
            "What each batch was doing, for those with the most calls left. Red: running, yet no"
            f" call was completed for {THRESHOLDS.stalled_after / 60:g} minutes: look there first."
            " A gap: nothing was known then, look at Exporter and API. Choose a batch above to see"
            " others."
        )
        .datasource(SOURCE)
        .with_target(lines("A", line(STATE), "{{agent}} \u00b7 {{batch}}"))
        .unit("none")
        .no_value("no data")
        .max_data_points(POINTS)
        .interval(SCRAPED)
        .mappings([codes(SHOWN_STATES)])
        .color_scheme(colour(FieldColorModeId.FIXED, "text"))
        .fill_opacity(80)
        .line_width(0)
        .row_height(0.85)
        .merge_values(True)
        .show_value(VisibilityMode.NEVER)
        .align_value(TimelineValueAlignment.LEFT)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
    )
