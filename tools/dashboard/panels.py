"""The kinds of panels that the dashboard has, stats and charts, and their queries."""

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

MAX_POINTS = 240
"""Points in a chart: Prometheus evaluates the query at each point for each batch."""

MIN_STEP = "1m"
"""Minimum time between two points: polls do not show changes that are faster."""

Steps = tuple[tuple[float | None, str], ...]
"""Minimum values with their colours, in ascending order; the first minimum is None."""

ChartQuery = tuple[str, str]
"""An expression, and the legend of its lines."""


def instant_query(ref: str, expression: str) -> Dataquery:
    """Return a query for the values at the end of the time range, one table row each."""
    query = Dataquery().datasource(SOURCE).expr(expression).instant().ref_id(ref)
    return query.format(PromQueryFormat.TABLE)


def range_query(ref: str, expression: str, legend: str) -> Dataquery:
    """Return a query for lines over the time range."""
    query = Dataquery().datasource(SOURCE).expr(expression).range().ref_id(ref)
    return query.format(PromQueryFormat.TIME_SERIES).legend_format(legend)


def threshold_config(steps: Steps) -> dashboard.ThresholdsConfig:
    """Return Grafana's thresholds, in absolute values."""
    thresholds = [Threshold(value, colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(thresholds)


def field_colour(mode: FieldColorModeId, fixed: str = "") -> dashboard.FieldColor:
    """Return how values get their colours; `fixed` is the colour of the mode FIXED."""
    colour = dashboard.FieldColor().mode(mode)
    return colour.fixed_color(fixed) if fixed else colour


def stat_panel(
    title: str, description: str, expression: str, unit: str, steps: Steps
) -> stat.Panel:
    """Return a panel with one number; it shows "no data" if the expression is absent.

    If the first colour is transparent, the colours fill the background, else they are the number's.
    """
    filled = steps[0][1] == "transparent"
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .with_target(instant_query("A", expression))
        .unit(unit)
        .no_value("no data")
        .thresholds(threshold_config(steps))
        .color_scheme(field_colour(FieldColorModeId.THRESHOLDS))
        .color_mode(BigValueColorMode.BACKGROUND if filled else BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    )


def chart(title: str, description: str, unit: str, *queries: ChartQuery) -> timeseries.Panel:
    """Return a panel with lines over time, and a legend with their last values, highest first."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .no_value("no data")
        .max_data_points(MAX_POINTS)
        .interval(MIN_STEP)
        .color_scheme(field_colour(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
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
        panel = panel.with_target(range_query(chr(ord("A") + index), expression, legend))
    return panel


def with_threshold_lines(panel: timeseries.Panel, steps: Steps) -> timeseries.Panel:
    """Return the chart with a dashed line at each threshold."""
    style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(threshold_config(steps)).thresholds_style(style)


def chart_with_reference(
    title: str, description: str, unit: str, actual: ChartQuery, reference: ChartQuery
) -> timeseries.Panel:
    """Return a chart of actual values, and of reference values as thin dashed lines."""
    return chart(title, description, unit, actual, reference).override_by_query(
        "B",
        [
            DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [6, 6]}),
            DynamicConfigValue("custom.lineWidth", 1),
            DynamicConfigValue("custom.fillOpacity", 0),
        ],
    )


def chart_with_limit(
    title: str, description: str, unit: str, used: str, allowed: str
) -> timeseries.Panel:
    """Return a chart of what each account uses, and of its limit as a dashed line."""
    return chart_with_reference(
        title,
        description,
        unit,
        (f"max by (account) ({used})", "{{account}}"),
        (f"max by (account) ({allowed})", "allowed: {{account}}"),
    )
