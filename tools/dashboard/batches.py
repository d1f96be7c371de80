"""The tables of batches, and the timeline of their states."""

from grafana_foundation_sdk.builders import common, statetimeline, table
from grafana_foundation_sdk.models.common import (
    LegendDisplayMode,
    LegendPlacement,
    TimelineValueAlignment,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, FieldColorModeId

from exporter.rules.sources import OF_AGENT, operand
from tools.dashboard.panels import (
    MAX_POINTS,
    MIN_STEP,
    PER_MINUTE,
    SOURCE,
    field_colour,
    range_query,
)
from tools.dashboard.problems import (
    PROBLEM_RANK,
    PROBLEMS,
    STALLED,
    WITHOUT_FURTHER_CALLS,
    meaning,
)
from tools.dashboard.queries import (
    COMPLETION_RATE,
    REMAINING_AT_CLOSE,
    SELECTED,
    batch_lines,
    by_batch,
    gauge,
    not_stale,
    with_agent_name,
)
from tools.dashboard.tables import (
    BAR_CELL,
    DASH_IF_ABSENT,
    ONE_DECIMAL,
    ROUNDED,
    Column,
    cell_link,
    coloured_codes,
    table_panel,
    value_map,
)

BATCH_LEGEND = "{{agent}} \u00b7 {{batch}}"

STATES = {
    7: ("stalled", "red", STALLED),
    1: ("ended", "text", ""),
    2: ("window_closed", "purple", ""),
    3: ("drained", "blue", ""),
    5: ("paused", "yellow", ""),
    6: ("active", "green", ""),
    4: ("scheduled", "light-blue", ""),
}
"""By code: a state, its colour, and its expression if it is no state of the exporter.

While replicas serve different states of a batch, the first of them is shown. `stalled` is `active`
for the exporter; it has the expression of the alert rules.
"""

STATE_TEXTS = {code: (name.replace("_", " "), colour) for code, (name, colour, _) in STATES.items()}

LINK_TO_BATCH = cell_link(
    "/d/ultravox-batches?${__url_time_range}&${datasource:queryparam}&${job:queryparam}"
    "&${interval:queryparam}&var-account=${__data.fields.account}"
    "&var-agent=$__all&var-batch=${__data.fields.batch_id}",
    "Only this batch",
)


def _state() -> str:
    alternatives = []
    for code, (name, _, batches) in STATES.items():
        state = gauge("ultravox_batch_state", f'state="{name}"', without="state")
        alternatives.append(f"0 * ({batches or f'{state} == 1'}) + {code}")
    return by_batch("\nor ".join(alternatives))


STATE = _state()
PROGRESS = by_batch(f"{SELECTED.completed} / ({SELECTED.calls} > 0)")
REMAINING = by_batch(SELECTED.remaining)
# The value decreases with time: of two replicas, the one scraped last has the minimum.
WINDOW_REMAINING = by_batch(gauge("ultravox_batch_window_remaining_seconds", operator="min"))
RATE_NEEDED = by_batch(
    f"60 * {SELECTED.remaining} / (({not_stale(SELECTED.window_end)}) - time() > 0)\n"
    f"unless {SELECTED.ended}"
)
EXPECTED_FINISH = by_batch(
    f"1000 * ({SELECTED.remaining} / ({operand(COMPLETION_RATE)} > 0)\n"
    f"+ {OF_AGENT} group_left () {operand(SELECTED.not_stale)})"
)
EXPECTED_AT_CLOSE = by_batch(f"{REMAINING_AT_CLOSE}\nor {WITHOUT_FURTHER_CALLS}")

_BAR = (
    DynamicConfigValue("custom.cellOptions", BAR_CELL),
    DynamicConfigValue("min", 0),
    DynamicConfigValue("max", 1),
    DynamicConfigValue("color", {"mode": "continuous-blues"}),
    ROUNDED,
)


def _columns(first: Column) -> list[Column]:
    rate, calls = f"60 * {by_batch(COMPLETION_RATE)}", with_agent_name(by_batch(SELECTED.calls))
    date, number = "dateTimeAsIsoNoDateIfToday", "locale"
    one_decimal, rounded = (ONE_DECIMAL, DASH_IF_ABSENT), (ROUNDED, DASH_IF_ABSENT)
    return [
        first,
        Column("Account", "account", 90),
        Column("Agent", "agent", 160),
        Column("Batch", "batch_id", 308, settings=(LINK_TO_BATCH,)),
        Column("Progress", "progress", 106, "percentunit", PROGRESS, _BAR),
        Column("Calls", "calls", 62, number, calls, (ROUNDED,)),
        Column("Remaining", "remaining", 86, number, REMAINING, (ROUNDED,)),
        Column("Rate", "rate", 76, PER_MINUTE, rate, one_decimal),
        Column("Rate needed", "needed", 100, PER_MINUTE, RATE_NEEDED, one_decimal),
        Column("Expected finish", "finish", 152, date, EXPECTED_FINISH, (DASH_IF_ABSENT,)),
        Column("Window remaining", "window", 140, "s", WINDOW_REMAINING, one_decimal),
        Column("Remaining at close", "at_close", 142, number, EXPECTED_AT_CLOSE, rounded),
    ]


def problems_table() -> table.Panel:
    """Return the table of the batches that have a problem."""
    texts = {each.rank: (each.name, each.colour) for each in PROBLEMS}
    first = Column("Problem", "problem", 100, "none", PROBLEM_RANK, coloured_codes(texts))
    return table_panel(
        "Batches that need attention",
        "The most urgent batch is first. Click a batch id to see only that batch. Stalled, Not"
        " started: look into Ultravox now. Too slow: give the batch more concurrency, or schedule"
        " the remaining calls in a new batch. Paused, Missed: schedule the remaining calls in a"
        " new batch. An empty table means that no batch has a problem, if the numbers above show"
        " data.",
        _columns(first),
        required="problem",
        sort_by="Problem",
        if_empty="none",
    )


def all_batches_table() -> table.Panel:
    """Return the table of all batches."""
    return table_panel(
        "All batches",
        "All batches that have series. Ended batches stay for the time that batches.keep_ended"
        " sets. Click a column title to sort, click a batch id to see only that batch. Rate: calls"
        " completed per minute, over the time chosen at the top. A dash: not known, or not"
        " applicable.",
        _columns(Column("State", "state", 118, "none", STATE, coloured_codes(STATE_TEXTS))),
        sort_by="State",
        if_empty="no batches",
    )


def states_timeline() -> statetimeline.Panel:
    """Return the timeline of the states of batches."""
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST)
    return (
        statetimeline.Panel()
        .title("States")
        .description(
            "The state of each batch over time, for the batches with the most remaining calls. Red:"
            f" the batch {meaning('Stalled')}; look at these batches first. A gap: the state was"
            " not known; look at Exporter and API. Choose a batch at the top to see another one."
        )
        .datasource(SOURCE)
        .with_target(range_query("A", batch_lines(STATE), BATCH_LEGEND))
        .unit("none")
        .no_value("no data")
        .max_data_points(MAX_POINTS)
        .interval(MIN_STEP)
        .mappings([value_map(STATE_TEXTS)])
        .color_scheme(field_colour(FieldColorModeId.FIXED, "text"))
        .fill_opacity(80)
        .line_width(0)
        .row_height(0.85)
        .merge_values(True)
        .show_value(VisibilityMode.NEVER)
        .align_value(TimelineValueAlignment.LEFT)
        .legend(legend.placement(LegendPlacement.BOTTOM).show_legend(True))
    )
