"""The rules applied to a history, by Prometheus' own engine: `promtool test rules`.

A rule test loads series into Prometheus' storage and evaluates the rules step by step. Their
results and `ALERTS` are stored as in a running Prometheus. The test expects no alert at any step,
so that promtool prints each alert that it got.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from tools.alert_truth.campaigns import Span
from tools.alert_truth.history import Series, input_values
from tools.alert_truth.random_scenarios import GRID

EVALUATION_INTERVAL = 60.0
"""Seconds between two evaluations of the rules."""

HISTORIES_PER_TEST = 20
"""Histories that one promtool evaluates: rules cost little more for many series than for one."""

FIRING = 'ALERTS{alertstate="firing"}'

Key = tuple[str, str]
"""An alert's name and a batch's id."""

Fired = dict[Key, list[Span]]
"""When each alert fired for each batch."""

History = tuple[float, Series]
"""The length of a history in seconds, and its samples."""


def batch_rules(text: str) -> dict[str, object]:
    """Return the rules about batches out of a rule file, without annotations, which cost time."""
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    chosen = [
        {key: rule[key] for key in rule if key != "annotations"}
        for rule in rules
        if "record" in rule or rule["alert"].startswith("UltravoxBatch")
    ]
    return {"groups": [{"name": "batches", "rules": chosen}]}


def metrics_read(rules: Mapping[str, object]) -> frozenset[str]:
    """Return the names of the exporter's metrics that the rules read."""
    return frozenset(re.findall(r"\bultravox_(?:agent|batch)_\w+", json.dumps(rules)))


def alerts_fired(promtool: str, rules: Mapping[str, object], histories: Iterable[History]) -> Fired:
    """Return when each alert fired. `promtool` is the path of the program."""
    fired: Fired = {}
    following = iter(histories)
    groups = iter(lambda: tuple(islice(following, HISTORIES_PER_TEST)), ())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda group: _evaluate(promtool, rules, group), groups):
            fired.update(found)
    return fired


def _evaluate(promtool: str, rules: Mapping[str, object], histories: Sequence[History]) -> Fired:
    with TemporaryDirectory() as folder:
        Path(folder, "rules.yml").write_text(json.dumps(rules))
        test = Path(folder, "test.yml")
        test.write_text(json.dumps(_rule_test(histories)))
        result = subprocess.run(
            [promtool, "test", "rules", test], capture_output=True, text=True, check=False
        )
    return _parsed(result.stdout + result.stderr)


def _rule_test(histories: Sequence[History]) -> dict[str, object]:
    length = max(length for length, _ in histories)
    series = [
        {"series": key, "values": input_values(values)}
        for _, history in histories
        for key, values in history.items()
    ]
    steps = [
        {"expr": FIRING, "eval_time": f"{step * EVALUATION_INTERVAL:.0f}s"}
        for step in range(int(length / EVALUATION_INTERVAL) + 1)
    ]
    return {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{EVALUATION_INTERVAL:.0f}s",
        "tests": [{"interval": f"{GRID:.0f}s", "input_series": series, "promql_expr_test": steps}],
    }


_TIME = re.compile(r'^\s+expr: ".*", time: (\S+),$')
_LABELS = re.compile(r'alertname="(\w+)".*?batch_id="([^"]*)".*?severity="(\w+)"')
_DURATION_PART = re.compile(r"(\d+)(ms|h|m|s|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _parsed(text: str) -> Fired:
    """Return when each alert fired, from the output of promtool; raise RuntimeError for others."""
    fired: Fired = {}
    time = 0.0
    if "expr:" not in text and "SUCCESS" not in text:
        raise RuntimeError(f"promtool did not evaluate the rules:\n{text}")
    for line in text.splitlines():
        if found := _TIME.match(line):
            time = sum(float(n) * _SECONDS[unit] for n, unit in _DURATION_PART.findall(found[1]))
        elif line.strip().startswith("got:"):
            for name, batch_id, _severity in _LABELS.findall(line):
                _add(fired.setdefault((name, batch_id), []), time)
    return fired


def _add(spans: list[Span], time: float) -> None:
    """Add a step at which an alert fired: to the last span where it continues that one."""
    end = time + EVALUATION_INTERVAL
    if spans and time <= spans[-1].end:
        spans[-1] = Span(spans[-1].start, end)
    else:
        spans.append(Span(time, end))
