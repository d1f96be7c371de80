"""Table panels: one query per column; Grafana merges their results into table rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    DataTransformerConfig,
    DynamicConfigValue,
    MatcherConfig,
    RangeMap,
    ValueMap,
    ValueMappingResult,
)

from tools.dashboard.panels import SOURCE, instant_query

BAR_CELL = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
FILLED_CELL = {"type": "color-background", "mode": "basic"}

ROUNDED = DynamicConfigValue("decimals", 0)
ONE_DECIMAL = DynamicConfigValue("decimals", 1)
DASH_IF_ABSENT = DynamicConfigValue("noValue", "\u2013")

Texts = Mapping[int, tuple[str, str]]
"""The text and the colour of each code."""


@dataclass(frozen=True)
class Column:
    """A column of a table, `width` pixels wide.

    It shows the values of the query `expression`, whose refId is `name`; without an expression, it
    shows the label `name`. A hidden column only adds the labels of its query to the table.
    """

    title: str
    name: str
    width: int
    unit: str = "string"
    expression: str = ""
    settings: Sequence[DynamicConfigValue] = field(default=())
    hidden: bool = False

    @property
    def grafana_name(self) -> str:
        """The name that the column has in Grafana before it gets its title."""
        return f"Value #{self.name}" if self.expression else self.name


def coloured_codes(texts: Texts) -> tuple[DynamicConfigValue, ...]:
    """Return the settings of a column of codes, each shown by its text and colour.

    A value is shown as its whole part: its decimals only sort the table.
    """
    mappings = [
        RangeMap(
            DashboardRangeMapOptions(
                code, code + 0.999, ValueMappingResult(text, colour, index=index)
            )
        )
        for index, (code, (text, colour)) in enumerate(texts.items())
    ]
    return (
        DynamicConfigValue("mappings", mappings),
        DynamicConfigValue("custom.cellOptions", FILLED_CELL),
        DynamicConfigValue("custom.align", "left"),
    )


def value_map(texts: Texts) -> ValueMap:
    """Return the mapping of whole codes to their texts and colours."""
    return ValueMap(
        {
            f"{code}": ValueMappingResult(text, colour, index=index)
            for index, (code, (text, colour)) in enumerate(texts.items())
        }
    )


def cell_link(url: str, title: str) -> DynamicConfigValue:
    """Return the setting that makes the cells of a column links."""
    return DynamicConfigValue("links", [{"title": title, "url": url, "targetBlank": False}])


def table_panel(
    title: str,
    description: str,
    columns: Sequence[Column],
    *,
    required: str = "",
    sort_by: str,
    if_empty: str,
) -> table.Panel:
    """Return a table panel; it shows `if_empty` without any table row.

    `required` is the name of a column: table rows without its value are left out. `sort_by` is the
    title of the column whose highest values come first.
    """
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .no_value(if_empty)
        .unit("string")
        .footer(common.TableFooterOptions().show(False).enable_pagination(True))
        .sort_by([common.TableSortByFieldState().display_name(sort_by).desc(True)])
    )
    for column in columns:
        panel = _with_column(panel, column)
    for transformation in _transformations(columns, required):
        panel = panel.with_transformation(transformation)
    return panel


def _with_column(panel: table.Panel, column: Column) -> table.Panel:
    if column.expression:
        panel = panel.with_target(instant_query(column.name, column.expression))
    if column.hidden:
        return panel
    width = DynamicConfigValue("custom.width", column.width)
    unit = DynamicConfigValue("unit", column.unit)
    return panel.override_by_name(column.title, [width, unit, *column.settings])


def _transformations(columns: Sequence[Column], required: str) -> list[DataTransformerConfig]:
    only = [_only_with_value(required)] if required else []
    return [DataTransformerConfig("merge", options={}), *only, _order_and_titles(columns)]


def _only_with_value(name: str) -> DataTransformerConfig:
    present = {"fieldName": f"Value #{name}", "config": MatcherConfig("isNotNull", {})}
    return DataTransformerConfig(
        "filterByValue", options={"type": "include", "match": "all", "filters": [present]}
    )


def _order_and_titles(columns: Sequence[Column]) -> DataTransformerConfig:
    shown = [column for column in columns if not column.hidden]
    hidden = {"Time", "agent_id"} - {column.grafana_name for column in shown}
    hidden |= {column.grafana_name for column in columns if column.hidden}
    return DataTransformerConfig(
        "organize",
        options={
            "excludeByName": dict.fromkeys(sorted(hidden), True),
            "indexByName": {column.grafana_name: at for at, column in enumerate(shown)},
            "renameByName": {column.grafana_name: column.title for column in shown},
        },
    )
