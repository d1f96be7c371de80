"""The dashboard has no faults, and the lint finds each fault that is added to it."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from exporter.durations import render as duration
from exporter.rules.expressions import completion_rate
from exporter.rules.thresholds import Thresholds
from tests.tools.dashboard.lint import RULES, lint
from tests.tools.dashboard.promql import parse, tokens
from tools.dashboard.queries import COMPLETION_RATE, SELECTED
from tools.dashboard.variables import INTERVALS
from tools.docs.pages import DASHBOARD
from tools.preview.dashboard import Json, panels

BOARD: Json = json.loads(DASHBOARD.read_text("utf-8"))


def test_there_is_no_fault() -> None:
    assert lint(BOARD) == []


def panel(board: Json, title: str) -> Json:
    """Return the panel with this title."""
    return next(each for each in panels(board) if each["title"] == title)


def variable(board: Json, name: str) -> Json:
    """Return the variable with this name."""
    found: Json = next(each for each in board["templating"]["list"] if each["name"] == name)
    return found


def with_query(text: str, title: str = "Concurrency") -> Callable[[Json], None]:
    """Return a change of a panel's first query."""

    def change(board: Json) -> None:
        panel(board, title)["targets"][0]["expr"] = text

    return change


def with_value(title: str, *path: str | int, value: object) -> Callable[[Json], None]:
    """Return a change of the value at a path in a panel."""

    def change(board: Json) -> None:
        inside: Any = panel(board, title)
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = value

    return change


def without_setting(title: str, column: str, name: str) -> Callable[[Json], None]:
    """Return a change that removes a setting of a column."""

    def change(board: Json) -> None:
        for each in panel(board, title)["fieldConfig"]["overrides"]:
            if each["matcher"]["options"] == column:
                each["properties"] = [p for p in each["properties"] if p["id"] != name]

    return change


def with_variable(name: str, key: str, value: object) -> Callable[[Json], None]:
    """Return a change of a variable."""
    return lambda board: variable(board, name).update({key: value})


ACTIVE = 'ultravox_account_active_calls{job=~"$job"}'
OTHER = {"type": "prometheus", "uid": "prometheus-1"}

FAULTS: dict[str, Callable[[Json], None]] = {
    "the uid is not ultravox-batches": lambda board: board.update(uid="abc"),
    "the schemaVersion is not 39": lambda board: board.update(schemaVersion=42),
    "it has __inputs": lambda board: board.update(__inputs=[{"name": "DS_PROMETHEUS"}]),
    "it has id": lambda board: board.update(id=7),
    "its variables are ['datasource', 'job', 'account', 'agent', 'batch']": (
        lambda board: board["templating"]["list"].pop()
    ),
    "Concurrency: does not use ${datasource}": with_value("Concurrency", "datasource", value=OTHER),
    "Memory: does not use ${datasource}": with_value(
        "Memory", "targets", 0, "datasource", value=OTHER
    ),
    "Alerts: does not use ${datasource}": (
        lambda board: board["annotations"]["list"][0].update(datasource=OTHER)
    ),
    "account: does not use ${datasource}": with_variable("account", "datasource", OTHER),
    "Concurrency: ultravox_account_active_calls without the selected job": with_query(
        "ultravox_account_active_calls"
    ),
    "Concurrency: ultravox_account_up without the selected job": with_query(
        f"{ACTIVE} and ultravox_account_up{{}}"
    ),
    "batch: ultravox_batch_calls without the selected job": with_variable(
        "batch", "query", {"query": 'label_values(ultravox_batch_calls{account="x"},batch_id)'}
    ),
    "variable agent: its query uses itself": with_variable(
        "agent", "query", {"query": 'query_result(ultravox_agent_info{job=~"$job",a=~"$agent"})'}
    ),
    "variable agent: its query has more than one line": with_variable(
        "agent", "query", {"query": 'query_result(up{job=~"$job"}\nor ultravox_agent_info)'}
    ),
    "variable batch: several values or All are not allowed": with_variable("batch", "multi", False),  # noqa: FBT003 - JSON's value
    "variable interval: no query uses it": (
        lambda board: board.update(json.loads(json.dumps(board).replace("${interval}", "1800")))
    ),
    "panel 401: no title": with_value("Concurrency", "title", value=""),
    "Memory: no description that says what to do": with_value(
        "Memory", "description", value="Memory."
    ),
    "Active batches: the title is too long for a stat panel": with_value(
        "Active", "title", value="Active batches"
    ),
    "Memory: no unit": with_value("Memory", "fieldConfig", "defaults", "unit", value=""),
    "All batches: no unit for Window remaining": without_setting(
        "All batches", "Window remaining", "unit"
    ),
    "id 101: several panels have it": with_value("Memory", "id", value=101),
    "id 200: several panels have it": with_value("Memory", "id", value=200),
    "All batches: refId state twice": with_value(
        "All batches", "targets", 1, "refId", value="state"
    ),
    "Remaining: overlaps Active": with_value("Remaining", "gridPos", "x", value=2),
    "States: overlaps Batches over time": with_value("States", "gridPos", "y", value=26),
    "CPU: overlaps Memory": with_value("CPU", "gridPos", "x", value=0),
    "Data age: outside of the width": with_value("Data age", "gridPos", "w", value=4),
    "Concurrency: unknown metric ultravox_account_calls": with_query(
        'ultravox_account_calls{job=~"$job"}'
    ),
    "Concurrency: ultravox_account_active_calls has no label agent": with_query(
        'ultravox_account_active_calls{job=~"$job",agent="x"}'
    ),
    "Concurrency: unknown label batch": with_query(f"max by (batch) ({ACTIVE})"),
    "Concurrency: unknown label acount": with_query(f"{ACTIVE} / on (acount) {ACTIVE}"),
    "Concurrency: unknown label acount in the legend": with_value(
        "Concurrency", "targets", 0, "legendFormat", value="{{acount}}"
    ),
    "Concurrency: unknown label batch in the legend": with_value(
        "Concurrency", "targets", 0, "legendFormat", value="{{batch}}"
    ),
    "Concurrency: rate of the gauge ultravox_account_active_calls": with_query(
        f"rate({ACTIVE}[5m])"
    ),
    "Memory: increase of the gauge process_resident_memory_bytes": with_query(
        'increase(process_resident_memory_bytes{job=~"$job"}[5m])', "Memory"
    ),
    "Stalled: the query of a number is not instant": with_value(
        "Stalled", "targets", 0, "instant", value=False
    ),
    "Agents: up is not instant": with_value("Agents", "targets", 0, "instant", value=False),
    "Agents: active is not instant": with_value(
        "Agents", "targets", 1, "format", value="time_series"
    ),
    "Agents: no column for another": with_value("Agents", "targets", 0, "refId", value="another"),
    "All batches: no width for Batch": without_setting("All batches", "Batch", "custom.width"),
    "Agents: Agent id is hidden": with_value(
        "Agents", "transformations", 1, "options", "excludeByName", "agent_id", value=True
    ),
    "All batches: wider than a screen": with_value(
        "All batches", "fieldConfig", "overrides", 3, "properties", 0, "value", value=490
    ),
    "All batches: Batch does not link to the batch": without_setting(
        "All batches", "Batch", "links"
    ),
    "States: no mappings": with_value("States", "fieldConfig", "defaults", "mappings", value=[]),
    "States: its colours ignore the mappings": with_value(
        "States", "fieldConfig", "defaults", "color", value={"mode": "thresholds"}
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_lint_finds_an_added_fault(fault: str) -> None:
    board = copy.deepcopy(BOARD)
    FAULTS[fault](board)
    assert fault in lint(board)


def test_each_rule_has_a_fault_that_it_finds() -> None:
    found = set()
    for add_fault in FAULTS.values():
        board = copy.deepcopy(BOARD)
        add_fault(board)
        found |= {rule for rule in RULES if list(rule(board))}
    assert found == set(RULES)


def test_a_query_that_is_not_promql_is_an_error() -> None:
    with pytest.raises(ValueError, match="no PromQL"):
        tokens("sum(up) ? 1")


def test_metrics_are_distinguished_from_functions_keywords_and_labels() -> None:
    found = parse(
        'sum by (a, le) (rate(x_total{b="y, z",c=~"$d"}[5m] offset 1h)) / on (e) group_left () '
        'label_replace(max without (f) (last_over_time(up[5m])) > bool 2, "g", "$1", "h", "(.*)")'
    )
    named = [(each.metric, each.function, each.labels) for each in found.selectors]
    assert named == [
        ("x_total", "rate", {"b": '="y, z"', "c": '=~"$d"'}),
        ("up", "last_over_time", {}),
    ]
    assert (found.groupings, found.added) == ({"a", "le", "e", "f"}, {"g"})


@pytest.mark.parametrize("seconds", INTERVALS.values())
def test_the_completion_rate_is_that_of_the_alert_rules(seconds: int) -> None:
    """At each value of the variable `interval`, replaced as Grafana replaces it."""
    expression = COMPLETION_RATE.replace("${interval}s", duration(seconds))
    assert expression == completion_rate(SELECTED, seconds)


def test_the_default_interval_is_that_of_the_alerts() -> None:
    selected = variable(BOARD, "interval")["current"]["value"]
    assert float(selected) == Thresholds().rate_over
