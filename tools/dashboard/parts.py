"""Short ways to make the panels that this dashboard has: stats, charts, and their queries."""

from grafana_foundation_sdk.builders import common, dashboard, stat, timeseries
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef("prometheus", "${datasource}")

PER_MINUTE = "suffix: /min"
CALLS = "suffix: calls"

POINTS = 240
"""Points in a chart, at most: each is reckoned for each batch."""

SCRAPED = "1m"
"""The least time between two points: batches do not change faster than they are polled."""

Steps = tuple[tuple[float | None, str], ...]
"""From which value on there is which colour; the first from None."""

Query = tuple[str, str]
"""An expression, and the legend of its lines."""


def instant(ref: str, expression: str) -> Dataquery:
    """Return a query for the values at the end of the time range, one row each."""
    table = Dataquery().datasource(SOURCE).expr(expression).instant().ref_id(ref)
    return table.format(PromQueryFormat.TABLE)


def lines(ref: str, expression: str, legend: str) -> Dataquery:
    """Return a query for lines over the time range."""
    query = Dataquery().datasource(SOURCE).expr(expression).range().ref_id(ref)
    return query.format(PromQueryFormat.TIME_SERIES).legend_format(legend)


def steps(thresholds: Steps) -> dashboard.ThresholdsConfig:
    """Return thresholds in absolute values."""
    each = [Threshold(value, colour) for value, colour in thresholds]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(each)


def colour(mode: FieldColorModeId, fixed: str = "") -> dashboard.FieldColor:
    """Return how fields are coloured."""
    made = dashboard.FieldColor().mode(mode)
    return made.fixed_color(fixed) if fixed else made


def number(
    title: str, description: str, expression: str, unit: str, thresholds: Steps
) -> stat.Panel:
    """Return a big number for the overview, quiet in the first colour, "no data" without one."""
    quiet = thresholds[0][1] == "transparent"
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .with_target(instant("A", expression))
        .unit(unit)
        .no_value("no data")
        .thresholds(steps(thresholds))
        .color_scheme(colour(FieldColorModeId.THRESHOLDS))
        .color_mode(BigValueColorMode.BACKGROUND if quiet else BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    )


def chart(title: str, description: str, unit: str, *queries: Query) -> timeseries.Panel:
    """Return lines over time, with a table of them beside them: hundreds stay readable."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .no_value("no data")
        .max_data_points(POINTS)
        .interval(SCRAPED)
        .color_scheme(colour(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .line_width(2)
        .fill_opacity(4)
        .show_points(VisibilityMode.NEVER)
        .span_nulls(False)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.RIGHT)
            .show_legend(True)
            .calcs(["lastNotNull"])
            .sort_by("Last *")
            .sort_desc(True)
            .width(260)
        )
        .tooltip(
            common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
        )
    )
    for index, (expression, legend) in enumerate(queries):
        panel = panel.with_target(lines(chr(ord("A") + index), expression, legend))
    return panel


def limited(panel: timeseries.Panel, thresholds: Steps) -> timeseries.Panel:
    """Return a chart with a dashed line at each threshold."""
    style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(steps(thresholds)).thresholds_style(style)


def against(
    title: str, description: str, unit: str, found: Query, bound: Query
) -> timeseries.Panel:
    """Return a chart of what is, and dashed and thin what should be or may be."""
    return chart(title, description, unit, found, bound).override_by_query(
        "B",
        [
            DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [6, 6]}),
            DynamicConfigValue("custom.lineWidth", 1),
            DynamicConfigValue("custom.fillOpacity", 0),
        ],
    )


def against_allowed(
    title: str, description: str, unit: str, used: str, allowed: str
) -> timeseries.Panel:
    """Return a chart of what accounts use, and dashed what they may."""
    return against(
        title,
        description,
        unit,
        (f"max by (account) ({used})", "{{account}}"),
        (f"max by (account) ({allowed})", "allowed: {{account}}"),
    )
