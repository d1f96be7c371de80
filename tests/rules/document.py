"""Scenarios as a promtool test file."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from exporter.rules.document import groups as groups_of_rules
from exporter.rules.thresholds import Thresholds
from tests.rules import batches, service
from tests.rules.scenario import Scenario
from tests.rules.world import Exporter, scraped, series_values

GROUPS = (*batches.GROUPS, *service.GROUPS)
"""Every scenario; those of a group share a test."""

FIRING = (
    "sum_over_time((count by (alertname, severity, agent_id, batch_id)"
    ' (ALERTS{{alertstate="firing",alertname=~"{matching}"{own}}}))[{seconds}s:1m])'
)
"""Query for the number of minutes in which each alert fires, counted per firing instance."""

LABELS = ("alertname", "severity", "agent_id", "batch_id")


ORDER = tuple(group.name for group in groups_of_rules(Thresholds()))
"""The order in which groups of rules are evaluated; promtool has none of its own."""


def render(groups: Iterable[Sequence[Scenario]], rules: Path, order: Sequence[str] = ORDER) -> str:
    """Return the test file of these scenarios, for the groups of the file `rules` in this order."""
    document = {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "group_eval_order": list(order),
        "tests": [_test(scenarios) for group in groups for scenarios in _tests(group)],
    }
    return yaml.safe_dump(document, sort_keys=False, width=math.inf)


def _tests(group: Sequence[Scenario]) -> Iterator[Sequence[Scenario]]:
    """Yield the scenarios of each test of a group."""
    yield from ([scenario] for scenario in group if scenario.alone)
    if together := [scenario for scenario in group if not scenario.alone]:
        yield together


def _test(scenarios: Sequence[Scenario]) -> dict[str, object]:
    series = [each for scenario in scenarios for each in scraped(_own(scenario), scenario.minutes)]
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": series_values(each)} for name, each in series],
        "promql_expr_test": [
            test
            for scenario in scenarios
            for test in (*_firing(scenario), *_silent(scenario), *_recorded(scenario))
        ],
    }


def _firing(scenario: Scenario) -> Iterator[dict[str, object]]:
    """Yield the expected alerts of each span."""
    own = "" if scenario.alone else f",{_own_label(scenario)}"
    for (first, last), alerts in scenario.fires.items():
        yield {
            "expr": FIRING.format(
                matching=scenario.matching, own=own, seconds=_seconds(first, last)
            ),
            "eval_time": f"{last}m",
            "exp_samples": [
                {"labels": _labels(alert), "value": last - first + 1} for alert in alerts
            ],
        }


def _silent(scenario: Scenario) -> Iterator[dict[str, object]]:
    """Yield the expectation of no sample, for each recorded name and span."""
    for record, first, last in scenario.silent:
        series = f"{record}{{{_own_label(scenario)}}}"
        yield {
            "expr": f"count_over_time({series}[{_seconds(first, last)}s])",
            "eval_time": f"{last}m",
            "exp_samples": [],
        }


def _recorded(scenario: Scenario) -> Iterator[dict[str, object]]:
    """Yield the expected value of each recorded name and minute."""
    for record, minute, value in scenario.recorded:
        yield {
            "expr": f"sum({record}{{{_own_label(scenario)}}})",
            "eval_time": f"{minute}m",
            "exp_samples": [{"value": value}],
        }


def _own_label(scenario: Scenario) -> str:
    """Return the matcher of the scenario's own label."""
    return f'scenario="{scenario.name}"'


def _seconds(first: int, last: int) -> int:
    """Return the seconds of a range that ends at the last minute and includes the first.

    It begins half a minute early: Prometheus 2 includes a range's first moment, Prometheus 3 does
    not.
    """
    return 60 * (last - first) + 30


def _own(scenario: Scenario) -> tuple[Exporter, ...]:
    """Return the scenario's exporters, with a label of the scenario on their targets."""
    return tuple(
        replace(exporter, target={"scenario": scenario.name, **exporter.target})
        for exporter in scenario.exporters
    )


def _labels(alert: str) -> str:
    pairs = zip(LABELS, f"Ultravox{alert}".split(), strict=False)
    return "{" + ",".join(f'{name}="{value}"' for name, value in pairs) + "}"
