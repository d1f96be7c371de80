"""The rules over a history, by Prometheus' own engine: `promtool test rules`.

A test of rules plays series into Prometheus' storage and evaluates the rules moment by moment;
their own results and `ALERTS` are stored as they would be. What fires is asked for at each moment
with an expectation of nothing, and read from what promtool says it got.
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
from tools.alert_truth.draw import GRID
from tools.alert_truth.history import Series, written

EVERY = 60.0
"""Seconds between two evaluations."""

FIRING = 'ALERTS{alertstate="firing"}'

Key = tuple[str, str]
"""An alert's name and a batch's id."""

Firings = dict[Key, list[Span]]


def batch_rules(text: str) -> dict[str, object]:
    """Return what a file of rules says about batches, without texts, which cost time."""
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    kept = [
        {key: rule[key] for key in rule if key != "annotations"}
        for rule in rules
        if "record" in rule or rule["alert"].startswith("UltravoxBatch")
    ]
    return {"groups": [{"name": "batches", "rules": kept}]}


def names_read(rules: Mapping[str, object]) -> frozenset[str]:
    """Return the names of the exporter's metrics that the rules read."""
    return frozenset(re.findall(r"\bultravox_(?:agent|batch)_\w+", json.dumps(rules)))


History = tuple[float, Series]
"""Its length in seconds, and what was kept."""


def fired(promtool: str, rules: Mapping[str, object], histories: Iterable[History]) -> Firings:
    """Return when which alert fired."""
    firings: Firings = {}
    left = iter(histories)
    groups = iter(lambda: tuple(islice(left, TOGETHER)), ())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda group: _fired(promtool, rules, group), groups):
            firings.update(found)
    return firings


TOGETHER = 20
"""Histories that are evaluated at once: rules cost little more for many series than for one."""


def _fired(promtool: str, rules: Mapping[str, object], histories: Sequence[History]) -> Firings:
    with TemporaryDirectory() as folder:
        Path(folder, "rules.yml").write_text(json.dumps(rules))
        test = Path(folder, "test.yml")
        test.write_text(json.dumps(_test(histories)))
        # The path is that of the program we name.
        told = subprocess.run(
            [promtool, "test", "rules", test], capture_output=True, text=True, check=False
        )
    return _read(told.stdout + told.stderr)


def _test(histories: Sequence[History]) -> dict[str, object]:
    length = max(length for length, _ in histories)
    series = [
        {"series": key, "values": written(values)}
        for _, history in histories
        for key, values in history.items()
    ]
    moments = [
        {"expr": FIRING, "eval_time": f"{moment * EVERY:.0f}s"}
        for moment in range(int(length / EVERY) + 1)
    ]
    return {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{EVERY:.0f}s",
        "tests": [
            {"interval": f"{GRID:.0f}s", "input_series": series, "promql_expr_test": moments}
        ],
    }


_MOMENT = re.compile(r'^\s+expr: ".*", time: (\S+),$')
_LABELS = re.compile(r'alertname="(\w+)".*?batch_id="([^"]*)".*?severity="(\w+)"')
_PART = re.compile(r"(\d+)(ms|h|m|s|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _read(text: str) -> Firings:
    firings: Firings = {}
    moment = 0.0
    if "expr:" not in text and "SUCCESS" not in text:
        raise RuntimeError(text)
    for line in text.splitlines():
        if found := _MOMENT.match(line):
            moment = sum(float(n) * _SECONDS[unit] for n, unit in _PART.findall(found[1]))
        elif line.strip().startswith("got:"):
            for name, batch_id, _severity in _LABELS.findall(line):
                _fires(firings.setdefault((name, batch_id), []), moment)
    return firings


def _fires(spans: list[Span], moment: float) -> None:
    """Add a moment of firing: to the last span, where it goes on."""
    if spans and moment <= spans[-1].ends:
        spans[-1] = Span(spans[-1].begins, moment + EVERY)
    else:
        spans.append(Span(moment, moment + EVERY))
