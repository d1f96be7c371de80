"""Faults of a dashboard, as messages. Each rule of the lint is a function in `RULES`."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeAlias

from exporter.metrics.catalogue import SECTIONS
from exporter.rules.sources import TARGET_LABELS
from tests.tools.dashboard.promql import RATES, parse
from tools.preview.dashboard import Json, panels, queries, variable_expression

Faults: TypeAlias = Iterator[str]

UID, SCHEMA, WIDTH = "ultravox-batches", 39, 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
SHORT = 12
"""Characters of the title of a stat panel: Grafana cuts longer ones."""

SCREEN = 1540
"""Pixels for the columns of a table, on a screen of 1600 pixels."""

WORDS = 8
"""Minimum number of words of a description that says what to do."""

FAMILIES = {family.name: family for _, families in SECTIONS for family in families}
_TARGET_LABELS = {"job", *TARGET_LABELS.split(", ")}
_OTHERS = {
    "up": set[str](),
    "ALERTS": {"alertname", "alertstate", "severity", "account", "agent_id", "batch_id"},
    "process_start_time_seconds": set[str](),
    "process_resident_memory_bytes": set[str](),
    "process_cpu_seconds_total": set[str](),
}
_KNOWN = {name: {*family.labels} for name, family in FAMILIES.items()} | _OTHERS
_EVERY_LABEL = set[str]().union(*_KNOWN.values(), _TARGET_LABELS, {"le"})


def _family(metric: str) -> str:
    return re.sub(r"_(bucket|sum|count)$", "", metric) if metric not in _KNOWN else metric


def form(dashboard: Json) -> Faults:
    """Require classic JSON with a fixed uid, without inputs and plugins that Grafana asks for."""
    if dashboard.get("uid") != UID:
        yield f"the uid is not {UID}"
    if dashboard.get("schemaVersion") != SCHEMA:
        yield f"the schemaVersion is not {SCHEMA}"
    for key in ("__inputs", "__requires", "id"):
        if dashboard.get(key):
            yield f"it has {key}"
    names = [each["name"] for each in dashboard["templating"]["list"]]
    if names != ["datasource", "job", "account", "agent", "batch", "interval"]:
        yield f"its variables are {names}"


def sources(dashboard: Json) -> Faults:
    """Require every query and panel to use the selected data source."""
    for query in queries(dashboard):
        if query.source != SOURCE:
            yield f"{query.title}: does not use ${{datasource}}"
    for panel in panels(dashboard):
        if panel.get("datasource") != SOURCE:
            yield f"{panel['title']}: does not use ${{datasource}}"


def jobs(dashboard: Json) -> Faults:
    """Require the selected job in every selector, except in the query of the variable `job`."""
    for query in queries(dashboard):
        if (query.kind, query.title) == ("variable", "job"):
            continue
        for selector in parse(_expression(query.kind, query.expression)).selectors:
            if selector.labels.get("job") not in {'=~"$job"', '=~"$job|"'}:
                yield f"{query.title}: {selector.metric} without the selected job"


def _expression(kind: str, text: str) -> str:
    return variable_expression(text) if kind == "variable" else text


def variables(dashboard: Json) -> Faults:
    """Require variables that queries use, with several values and All; none may use itself."""
    every = "\n".join(query.expression for query in queries(dashboard))
    for variable in dashboard["templating"]["list"]:
        name = variable["name"]
        if name != "datasource" and not re.search(rf"\$\{{?{name}\b", every):
            yield f"variable {name}: no query uses it"
        if variable["type"] != "query":
            continue
        if not (variable.get("multi") and variable.get("includeAll")):
            yield f"variable {name}: several values or All are not allowed"
        text = variable["query"]["query"]
        if f'"${name}"' in text:
            yield f"variable {name}: its query uses itself"
        if "\n" in text:
            yield f"variable {name}: its query has more than one line"


def texts(dashboard: Json) -> Faults:
    """Require a title, and a description that says what to do; a short title of a stat panel."""
    for panel in panels(dashboard):
        title = panel.get("title", "")
        if not title:
            yield f"panel {panel['id']}: no title"
        if len(panel.get("description", "").split()) < WORDS:
            yield f"{title}: no description that says what to do"
        if panel["type"] == "stat" and len(title) > SHORT:
            yield f"{title}: the title is too long for a stat panel"


def units(dashboard: Json) -> Faults:
    """Require a unit for every panel, and for every column of values."""
    for panel in panels(dashboard):
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{panel['title']}: no unit"
        for name, title in _columns(panel).items():
            if name.startswith("Value") and not _setting(panel, title, "unit"):
                yield f"{panel['title']}: no unit for {title}"


def ids(dashboard: Json) -> Faults:
    """Require a different id for each panel, and a different refId for each query of a panel."""
    every = [panel["id"] for panel in [*panels(dashboard), *_rows(dashboard)]]
    yield from (f"id {each}: several panels have it" for each, n in Counter(every).items() if n > 1)
    for panel in panels(dashboard):
        refs = Counter(target["refId"] for target in panel["targets"])
        yield from (f"{panel['title']}: refId {ref} twice" for ref, n in refs.items() if n > 1)


def _rows(dashboard: Json) -> list[Json]:
    return [panel for panel in dashboard["panels"] if panel["type"] == "row"]


def places(dashboard: Json) -> Faults:
    """Require panels that are within the width and do not overlap."""
    open_ones = [panel for panel in dashboard["panels"] if not panel.get("collapsed")]
    yield from _overlaps([panel for panel in dashboard["panels"] if panel["type"] == "row"])
    yield from _overlaps(open_ones)
    for row in _rows(dashboard):
        yield from _overlaps(row.get("panels", []))


def _overlaps(some: list[Json]) -> Faults:
    taken: dict[tuple[int, int], str] = {}
    for panel in some:
        place, title = panel["gridPos"], panel.get("title", "")
        if place["x"] + place["w"] > WIDTH:
            yield f"{title}: outside of the width"
        cells = [
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        others = {taken[cell] for cell in cells if cell in taken}
        yield from (f"{title}: overlaps {other}" for other in sorted(others))
        taken.update((cell, title) for cell in cells)


def metrics(dashboard: Json) -> Faults:
    """Require metrics and labels that the exporter or Prometheus has, by the tables of metrics."""
    for query in queries(dashboard):
        found = parse(_expression(query.kind, query.expression))
        for selector in found.selectors:
            known = _KNOWN.get(_family(selector.metric))
            if known is None:
                yield f"{query.title}: unknown metric {selector.metric}"
                continue
            for label in selector.labels.keys() - known - _TARGET_LABELS:
                yield f"{query.title}: {selector.metric} has no label {label}"
        for label in found.groupings - _EVERY_LABEL:
            yield f"{query.title}: unknown label {label}"


def legends(dashboard: Json) -> Faults:
    """Require labels in legends that exist."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            known = parse(target["expr"]).added | _EVERY_LABEL
            named = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
            for label in named - known:
                yield f"{panel['title']}: unknown label {label} in the legend"


def rates(dashboard: Json) -> Faults:
    """Require counters in functions for counters."""
    for query in queries(dashboard):
        for selector in parse(_expression(query.kind, query.expression)).selectors:
            family = FAMILIES.get(_family(selector.metric))
            counter = family.kind != "gauge" if family else selector.metric.endswith("_total")
            if selector.function in RATES and not counter:
                yield f"{query.title}: {selector.function} of the gauge {selector.metric}"


def tables(dashboard: Json) -> Faults:
    """Require instant queries in tables and stat panels, and a column for each query."""
    for panel in panels(dashboard):
        if panel["type"] == "stat" and not all(each.get("instant") for each in panel["targets"]):
            yield f"{panel['title']}: the query of a number is not instant"
        if panel["type"] != "table":
            continue
        for target in panel["targets"]:
            if not target.get("instant") or target.get("range") or target["format"] != "table":
                yield f"{panel['title']}: {target['refId']} is not instant"
            if f"Value #{target['refId']}" not in _columns(panel).keys() | _hidden(panel):
                yield f"{panel['title']}: no column for {target['refId']}"


def columns(dashboard: Json) -> Faults:
    """Require columns that are visible, have a width, and fit on one screen together."""
    for panel in panels(dashboard):
        for key in _hidden(panel) & _columns(panel).keys():
            yield f"{panel['title']}: {_columns(panel)[key]} is hidden"
        widths = [_setting(panel, title, "custom.width") for title in _columns(panel).values()]
        if sum(width for width in widths if isinstance(width, int)) > SCREEN:
            yield f"{panel['title']}: wider than a screen"
        for title in _columns(panel).values():
            if not _setting(panel, title, "custom.width"):
                yield f"{panel['title']}: no width for {title}"


def links(dashboard: Json) -> Faults:
    """Require a link from each batch id to only this batch, in the same time range."""
    for panel in panels(dashboard):
        title = _columns(panel).get("batch_id")
        if title is None:
            continue
        found = _setting(panel, title, "links")
        url = found[0]["url"] if isinstance(found, list) and found else ""
        required = (f"/d/{UID}?", "${__url_time_range}", "var-batch=${__data.fields.batch_id}")
        if not all(part in url for part in required):
            yield f"{panel['title']}: {title} does not link to the batch"


def _hidden(panel: Json) -> set[str]:
    """Return the columns that a table hides, by the names that Grafana gives them."""
    for each in panel.get("transformations", ()):
        if each["id"] == "organize":
            return set(each["options"]["excludeByName"])
    return set()


def _columns(panel: Json) -> dict[str, str]:
    """Return the titles of a table's columns by the names that Grafana gives them."""
    for each in panel.get("transformations", ()):
        if each["id"] == "organize":
            renamed: dict[str, str] = each["options"]["renameByName"]
            return renamed
    return {}


def _setting(panel: Json, title: str, name: str) -> object:
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"] == {"id": "byName", "options": title}:
            for setting in override["properties"]:
                if setting["id"] == name:
                    return setting["value"]
    return None


def timelines(dashboard: Json) -> Faults:
    """Require timelines coloured by mappings: in the mode `thresholds`, they ignore mappings."""
    for panel in panels(dashboard):
        if panel["type"] != "state-timeline":
            continue
        defaults = panel["fieldConfig"]["defaults"]
        if not defaults.get("mappings"):
            yield f"{panel['title']}: no mappings"
        if defaults.get("color", {}).get("mode") != "fixed":
            yield f"{panel['title']}: its colours ignore the mappings"


RULES: tuple[Callable[[Json], Faults], ...] = (
    form,
    sources,
    jobs,
    variables,
    texts,
    units,
    ids,
    places,
    metrics,
    legends,
    rates,
    tables,
    columns,
    links,
    timelines,
)


def lint(dashboard: Json) -> list[str]:
    """Return every fault."""
    return [fault for rule in RULES for fault in rule(dashboard)]
