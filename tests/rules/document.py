"""All scenarios as a test file for promtool."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import yaml

from tests.rules.scenario import Scenario
from tests.rules.world import Exporter, scraped, written

FIRING = (
    "sum_over_time((count by (alertname, severity, agent_id, batch_id)"
    ' (ALERTS{{alertstate="firing",alertname=~"{watched}"{account}}}))[{seconds}s:1m])'
)
"""In how many minutes each alert fires; more than there are where it fires twice."""

LABELS = ("alertname", "severity", "agent_id", "batch_id")


def render(groups: Iterable[Sequence[Scenario]], rules: str) -> str:
    """Return the file: a test for each group. Minute 0 is the Unix epoch.

    `rules` is the path of the rules, absolute or from the folder of the file. Scenarios of one test
    have accounts of their own, by their names.
    """
    document = {
        "rule_files": [rules],
        "evaluation_interval": "1m",
        "tests": [_test(played) for group in groups for played in _played(group)],
    }
    return yaml.safe_dump(document, sort_keys=False, width=math.inf)


def _played(group: Sequence[Scenario]) -> Iterator[Sequence[Scenario]]:
    """Yield the scenarios of each test."""
    yield from ([scenario] for scenario in group if scenario.alone)
    if together := [scenario for scenario in group if not scenario.alone]:
        yield together


def _test(scenarios: Sequence[Scenario]) -> dict[str, object]:
    series = [each for scenario in scenarios for each in scraped(_own(scenario), scenario.minutes)]
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": written(each)} for name, each in series],
        "promql_expr_test": [
            test
            for scenario in scenarios
            for test in (*_alerting(scenario), *_silence(scenario), *_recorded(scenario))
        ],
    }


def _alerting(scenario: Scenario) -> Iterator[dict[str, object]]:
    """Yield what fires, by spans of minutes."""
    account = "" if scenario.alone else f',account="{scenario.name}"'
    for (first, last), alerts in scenario.fires.items():
        yield {
            "expr": FIRING.format(
                watched=scenario.watched, account=account, seconds=_seconds(first, last)
            ),
            "eval_time": f"{last}m",
            "exp_samples": [
                {"labels": _labels(alert), "value": last - first + 1} for alert in alerts
            ],
        }


def _silence(scenario: Scenario) -> Iterator[dict[str, object]]:
    """Yield that nothing is recorded, by names and spans of minutes."""
    for record, first, last in scenario.silent:
        series = f'{record}{{account="{scenario.name}"}}'
        yield {
            "expr": f"count_over_time({series}[{_seconds(first, last)}s])",
            "eval_time": f"{last}m",
            "exp_samples": [],
        }


def _recorded(scenario: Scenario) -> Iterator[dict[str, object]]:
    """Yield what is recorded, by names and minutes."""
    for record, minute, value in scenario.recorded:
        yield {
            "expr": f'sum({record}{{account="{scenario.name}"}})',
            "eval_time": f"{minute}m",
            "exp_samples": [{"value": value}],
        }


def _seconds(first: int, last: int) -> int:
    """Return a range up to the last minute that has the first one, and half a minute before it.

    Whether a range includes its first moment differs between Prometheus 2 and 3.
    """
    return 60 * (last - first) + 30


def _own(scenario: Scenario) -> tuple[Exporter, ...]:
    """Return the exporters of a scenario, with an account and instances of their own."""
    return tuple(
        replace(exporter, account=scenario.name, instance=f"{exporter.instance} of {scenario.name}")
        for exporter in scenario.exporters
    )


def _labels(alert: str) -> str:
    pairs = zip(LABELS, f"Ultravox{alert}".split(), strict=False)
    return "{" + ",".join(f'{name}="{value}"' for name, value in pairs) + "}"
