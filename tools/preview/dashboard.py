"""The dashboard as data: its panels and queries, and what Grafana puts in for variables."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]
Where: TypeAlias = Literal["panel", "variable", "annotation"]

RANGE = 6 * 3600
STEP = 120
"""Seconds between two points of a chart: a step that Grafana takes for 240 points in the range."""


@dataclass(frozen=True)
class Query:
    """A query: what asks it, the expression with its variables, whether for one moment."""

    where: Where
    title: str
    ref: str
    expression: str
    instant: bool
    source: Json
    regex: str = ""


def panels(dashboard: Json) -> Iterator[Json]:
    """Yield every panel, those in collapsed rows among them, but no rows."""
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


def asked(variable: str) -> str:
    """Return the expression in a variable's query; a selector for label_values."""
    found = re.fullmatch(r"query_result\((.+)\)|label_values\((.+),\w+\)", variable, re.DOTALL)
    assert found, variable
    return found[1] or found[2]


def filled(expression: str, chosen: Mapping[str, str]) -> str:
    """Return an expression with Grafana's variables put in; others must be among the chosen."""
    values = {
        "__range": f"{RANGE}s",
        "__interval": f"{STEP}s",
        "__rate_interval": f"{4 * STEP}s",
        "datasource": "prometheus",
        "interval": "1800",
        **chosen,
    }
    variable = r"\$(?:\{(\w+)\}|([a-z_]\w*))"
    return re.sub(variable, lambda found: values[found[1] or found[2]], expression)


def merged(frames: Mapping[str, list[Json]]) -> list[Json]:
    """Return the rows of a table as Grafana merges them: by the labels that all frames have.

    Frames are instant vectors by refId; a row has labels, and values under refIds.
    """
    filled = {ref: frame for ref, frame in frames.items() if frame}
    names = [set(sample["metric"]) for frame in filled.values() for sample in frame]
    common = sorted(set.intersection(*names)) if names else []
    rows: dict[tuple[str, ...], Json] = {}
    for ref, frame in filled.items():
        for sample in frame:
            row = rows.setdefault(tuple(sample["metric"][name] for name in common), {})
            assert ref not in row, f"two rows for one: {sample}"
            row.update(sample["metric"])
            row[ref] = float(sample["value"][1])
    return list(rows.values())
