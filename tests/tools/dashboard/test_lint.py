"""The dashboard is free of faults, and the lint sees each fault that is planted in it."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from exporter.durations import render as duration
from exporter.rules.expressions import completion_rate
from exporter.rules.thresholds import Thresholds
from tests.tools.dashboard.lint import RULES, lint
from tests.tools.dashboard.promql import meaning, tokens
from tools.dashboard.queries import PACE, SELECTED
from tools.dashboard.variables import INTERVALS
from tools.docs.pages import DASHBOARD
from tools.preview.dashboard import Json, panels

BOARD: Json = json.loads(DASHBOARD.read_text("utf-8"))


def test_there_is_no_fault() -> None:
    assert lint(BOARD) == []


def panel(board: Json, title: str) -> Json:
    """Return a panel."""
    return next(each for each in panels(board) if each["title"] == title)


def variable(board: Json, name: str) -> Json:
    """Return a variable."""
    found: Json = next(each for each in board["templating"]["list"] if each["name"] == name)
    return found


def asks(text: str, title: str = "Concurrency") -> Callable[[Json], None]:
    """Return what makes a panel ask something else."""

    def change(board: Json) -> None:
        panel(board, title)["targets"][0]["expr"] = text

    return change


def sets(title: str, *path: str | int, value: object) -> Callable[[Json], None]:
    """Return what sets something within a panel."""

    def change(board: Json) -> None:
        inside: Any = panel(board, title)
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = value

    return change


def without_setting(title: str, column: str, name: str) -> Callable[[Json], None]:
    """Return what takes a setting from a column."""

    def change(board: Json) -> None:
        for each in panel(board, title)["fieldConfig"]["overrides"]:
            if each["matcher"]["options"] == column:
                each["properties"] = [p for p in each["properties"] if p["id"] != name]

    return change


def varies(name: str, key: str, value: object) -> Callable[[Json], None]:
    """Return what changes a variable."""
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
    "Concurrency: does not ask ${datasource}": sets("Concurrency", "datasource", value=OTHER),
    "Memory: does not ask ${datasource}": sets("Memory", "targets", 0, "datasource", value=OTHER),
    "Alerts: does not ask ${datasource}": (
        lambda board: board["annotations"]["list"][0].update(datasource=OTHER)
    ),
    "account: does not ask ${datasource}": varies("account", "datasource", OTHER),
    "Concurrency: ultravox_account_active_calls of any job": asks("ultravox_account_active_calls"),
    "Concurrency: ultravox_account_up of any job": asks(f"{ACTIVE} and ultravox_account_up{{}}"),
    "batch: ultravox_batch_calls of any job": varies(
        "batch", "query", {"query": 'label_values(ultravox_batch_calls{account="x"},batch_id)'}
    ),
    "variable agent: narrowed by itself": varies(
        "agent", "query", {"query": 'query_result(ultravox_agent_info{job=~"$job",a=~"$agent"})'}
    ),
    "variable agent: its query has more than one line": varies(
        "agent", "query", {"query": 'query_result(up{job=~"$job"}\nor ultravox_agent_info)'}
    ),
    "variable batch: not several, or not all": varies("batch", "multi", False),  # noqa: FBT003 - JSON's value
    "variable interval: no query has it": (
        lambda board: board.update(json.loads(json.dumps(board).replace("${interval}", "1800")))
    ),
    "panel 401: no title": sets("Concurrency", "title", value=""),
    "Memory: no description that says what to do": sets("Memory", "description", value="Memory."),
    "Batches that run: too long for a stat": sets("Running", "title", value="Batches that run"),
    "Memory: no unit": sets("Memory", "fieldConfig", "defaults", "unit", value=""),
    "All batches: no unit for Window left": without_setting("All batches", "Window left", "unit"),
    "id 101: several panels": sets("Memory", "id", value=101),
    "id 200: several panels": sets("Memory", "id", value=200),
    "All batches: refId state twice": sets("All batches", "targets", 1, "refId", value="state"),
    "Calls left: on Running": sets("Calls left", "gridPos", "x", value=2),
    "States: on Batches over time": sets("States", "gridPos", "y", value=26),
    "Processor: on Memory": sets("Processor", "gridPos", "x", value=0),
    "Data age: beyond the width": sets("Data age", "gridPos", "w", value=4),
    "Concurrency: unknown metric ultravox_account_calls": asks(
        'ultravox_account_calls{job=~"$job"}'
    ),
    "Concurrency: ultravox_account_active_calls has no label agent": asks(
        'ultravox_account_active_calls{job=~"$job",agent="x"}'
    ),
    "Concurrency: unknown label batch": asks(f"max by (batch) ({ACTIVE})"),
    "Concurrency: unknown label acount": asks(f"{ACTIVE} / on (acount) {ACTIVE}"),
    "Concurrency: unknown label acount in the legend": sets(
        "Concurrency", "targets", 0, "legendFormat", value="{{acount}}"
    ),
    "Concurrency: unknown label batch in the legend": sets(
        "Concurrency", "targets", 0, "legendFormat", value="{{batch}}"
    ),
    "Concurrency: rate of the gauge ultravox_account_active_calls": asks(f"rate({ACTIVE}[5m])"),
    "Memory: increase of the gauge process_resident_memory_bytes": asks(
        'increase(process_resident_memory_bytes{job=~"$job"}[5m])', "Memory"
    ),
    "Stalled: a number over a range": sets("Stalled", "targets", 0, "instant", value=False),
    "Agents: up is not for one moment": sets("Agents", "targets", 0, "instant", value=False),
    "Agents: active is not for one moment": sets(
        "Agents", "targets", 1, "format", value="time_series"
    ),
    "Agents: no column for another": sets("Agents", "targets", 0, "refId", value="another"),
    "All batches: no width for Batch": without_setting("All batches", "Batch", "custom.width"),
    "Agents: Agent id is hidden": sets(
        "Agents", "transformations", 1, "options", "excludeByName", "agent_id", value=True
    ),
    "All batches: wider than a screen": sets(
        "All batches", "fieldConfig", "overrides", 3, "properties", 0, "value", value=490
    ),
    "All batches: Batch does not lead to the batch": without_setting(
        "All batches", "Batch", "links"
    ),
    "States: no mappings": sets("States", "fieldConfig", "defaults", "mappings", value=[]),
    "States: its colours ignore its mappings": sets(
        "States", "fieldConfig", "defaults", "color", value={"mode": "thresholds"}
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen(fault: str) -> None:
    board = copy.deepcopy(BOARD)
    FAULTS[fault](board)
    assert fault in lint(board)


def test_each_rule_has_a_planted_fault() -> None:
    seen = set()
    for plant in FAULTS.values():
        board = copy.deepcopy(BOARD)
        plant(board)
        seen |= {rule for rule in RULES if list(rule(board))}
    assert seen == set(RULES)


def test_a_query_that_is_no_promql_is_seen() -> None:
    with pytest.raises(ValueError, match="no PromQL"):
        tokens("sum(up) ? 1")


def test_names_are_told_from_functions_words_and_labels() -> None:
    found = meaning(
        'sum by (a, le) (rate(x_total{b="y, z",c=~"$d"}[5m] offset 1h)) / on (e) group_left () '
        'label_replace(max without (f) (last_over_time(up[5m])) > bool 2, "g", "$1", "h", "(.*)")'
    )
    named = [(each.metric, each.function, each.labels) for each in found.selectors]
    assert named == [
        ("x_total", "rate", {"b": '="y, z"', "c": '=~"$d"'}),
        ("up", "last_over_time", {}),
    ]
    assert (found.groupings, found.made) == ({"a", "le", "e", "f"}, {"g"})


@pytest.mark.parametrize("seconds", INTERVALS.values())
def test_the_pace_is_that_of_the_alert_rules(seconds: int) -> None:
    """Whatever is chosen, put in as Grafana does."""
    assert PACE.replace("${interval}s", duration(seconds)) == completion_rate(SELECTED, seconds)


def test_the_pace_at_first_is_that_of_the_alerts() -> None:
    chosen = variable(BOARD, "interval")["current"]["value"]
    assert float(chosen) == Thresholds().rate_over
