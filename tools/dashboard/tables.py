"""Tables: a query a column, merged into one row a subject, each column with a width and a unit."""

from collections.abc import Sequence
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

from tools.dashboard.parts import SOURCE, instant

GAUGE = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
FILLED = {"type": "color-background", "mode": "basic"}


@dataclass(frozen=True)
class Column:
    """A column. `name` is a label of the rows, or of a query's value where there is one.

    A hidden one brings labels to the rows, and its value says nothing.
    """

    title: str
    name: str
    width: int
    unit: str = "string"
    expression: str = ""
    further: Sequence[DynamicConfigValue] = field(default=())
    hidden: bool = False

    @property
    def key(self) -> str:
        """What Grafana calls the column before it is renamed."""
        return f"Value #{self.name}" if self.expression else self.name


def coloured(shown: dict[int, tuple[str, str]]) -> tuple[DynamicConfigValue, ...]:
    """Return the settings of a column of codes, each with its text and colour.

    A code holds up to the next whole number: what follows the point only sorts.
    """
    mappings = [
        RangeMap(
            DashboardRangeMapOptions(code, code + 0.999, ValueMappingResult(text, colour, index=at))
        )
        for at, (code, (text, colour)) in enumerate(shown.items())
    ]
    return (
        DynamicConfigValue("mappings", mappings),
        DynamicConfigValue("custom.cellOptions", FILLED),
        DynamicConfigValue("custom.align", "left"),
    )


def codes(shown: dict[int, tuple[str, str]]) -> ValueMap:
    """Return the mapping of whole codes to text and colour."""
    return ValueMap(
        {
            f"{code}": ValueMappingResult(text, colour, index=at)
            for at, (code, (text, colour)) in enumerate(shown.items())
        }
    )


def linked(url: str, title: str) -> DynamicConfigValue:
    """Return the setting that makes a column's cells lead somewhere."""
    return DynamicConfigValue("links", [{"title": title, "url": url, "targetBlank": False}])


def rows(
    title: str,
    description: str,
    columns: Sequence[Column],
    *,
    only: str = "",
    worst: str,
    empty: str,
) -> table.Panel:
    """Return a table; `only` names the column without which there is no row.

    `worst` names the column whose highest values come first.
    """
    panel = table.Panel().title(title).description(description).datasource(SOURCE).no_value(empty)
    panel = panel.unit("string").footer(
        common.TableFooterOptions().show(False).enable_pagination(True)
    )
    for column in columns:
        if column.expression:
            panel = panel.with_target(instant(column.name, column.expression))
        if column.hidden:
            continue
        panel = panel.override_by_name(
            column.title,
            [
                DynamicConfigValue("custom.width", column.width),
                DynamicConfigValue("unit", column.unit),
                *column.further,
            ],
        )
    panel = panel.sort_by([common.TableSortByFieldState().display_name(worst).desc(True)])
    for transformation in _transformations(columns, only):
        panel = panel.with_transformation(transformation)
    return panel


def _transformations(columns: Sequence[Column], only: str) -> list[DataTransformerConfig]:
    made = [DataTransformerConfig("merge", options={})]
    seen = [column for column in columns if not column.hidden]
    unseen = {"Time", "agent_id"} - {column.key for column in seen}
    unseen |= {column.key for column in columns if column.hidden}
    if only:
        known = MatcherConfig("isNotNull", {})
        made.append(
            DataTransformerConfig(
                "filterByValue",
                options={
                    "type": "include",
                    "match": "all",
                    "filters": [{"fieldName": f"Value #{only}", "config": known}],
                },
            )
        )
    made.append(
        DataTransformerConfig(
            "organize",
            options={
                "excludeByName": dict.fromkeys(sorted(unseen), True),
                "indexByName": {column.key: at for at, column in enumerate(seen)},
                "renameByName": {column.key: column.title for column in seen},
            },
        )
    )
    return made
