"""The dashboard's JSON: its panels and queries, and the values of variables in queries."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["panel", "variable", "annotation"]

RANGE = 6 * 3600
"""Seconds that the dashboard shows."""

STEP = 120
"""Seconds between two points of a chart: Grafana's step for 240 points in RANGE."""


@dataclass(frozen=True)
class Query:
    """A query of a panel, variable or annotation, whose name is `title`."""

    kind: Kind
    title: str
    ref: str
    expression: str
    instant: bool
    source: Json
    regex: str = ""


def panels(dashboard: Json) -> Iterator[Json]:
    """Yield every panel, also those of collapsed sections, but no titles of sections."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", ())
        else:
            yield panel


def queries(dashboard: Json) -> Iterator[Query]:
    """Yield every query of panels, variables and annotations."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield Query(
                "panel",
                panel["title"],
                target["refId"],
                target["expr"],
                instant=bool(target.get("instant")),
                source=target["datasource"],
            )
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            text = variable["query"]["query"]
            name, source = variable["name"], variable["datasource"]
            regex = variable.get("regex", "")
            yield Query("variable", name, "", text, instant=True, source=source, regex=regex)
    for each in dashboard["annotations"]["list"]:
        name, source = each["name"], each["datasource"]
        yield Query("annotation", name, "", each["expr"], instant=False, source=source)


def variable_expression(query: str) -> str:
    """Return the PromQL expression in the query of a variable."""
    found = re.fullmatch(r"query_result\((.+)\)|label_values\((.+),\w+\)", query, re.DOTALL)
    assert found, query
    return found[1] or found[2]


def with_values(expression: str, selected: Mapping[str, str]) -> str:
    """Return an expression with values instead of variables.

    `selected` has the values of the dashboard's variables; other values are Grafana's.
    """
    values = {
        "__range": f"{RANGE}s",
        "__interval": f"{STEP}s",
        "__rate_interval": f"{4 * STEP}s",
        "datasource": "prometheus",
        "interval": "1800",
        **selected,
    }
    variable = r"\$(?:\{(\w+)\}|([a-z_]\w*))"
    return re.sub(variable, lambda found: values[found[1] or found[2]], expression)


def merge_frames(frames: Mapping[str, list[Json]]) -> list[Json]:
    """Return the rows of a table as Grafana merges them: by the labels that all frames have.

    `frames` are instant vectors by refId. A row has labels, and values by refId.
    """
    present = {ref: frame for ref, frame in frames.items() if frame}
    labels = [set(sample["metric"]) for frame in present.values() for sample in frame]
    common = sorted(set.intersection(*labels)) if labels else []
    rows: dict[tuple[str, ...], Json] = {}
    for ref, frame in present.items():
        for sample in frame:
            row = rows.setdefault(tuple(sample["metric"][label] for label in common), {})
            assert ref not in row, f"two values in one cell: {sample}"
            row.update(sample["metric"])
            row[ref] = float(sample["value"][1])
    return list(rows.values())
