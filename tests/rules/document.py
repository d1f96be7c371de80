"""All scenarios as a promtool test file."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import yaml

from tests.rules.scenario import Scenario
from tests.rules.world import Exporter, scraped, written

HEAD = """\
# Unit tests of ultravox.rules.yml: `promtool test rules ultravox.rules.test.yml`.
# `make docs` writes them from the scenarios in tests/rules/. Minute 0 is the Unix epoch. Scenarios
# that are played at once have accounts of their own, by their names.
"""

FIRING = (
    "sum_over_time((count by (alertname, severity, agent_id, batch_id)"
    ' (ALERTS{{alertstate="firing",alertname=~"{watched}"{account}}}))[{seconds}s:1m])'
)
"""In how many minutes each alert fires; more than there are where it fires twice."""

LABELS = ("alertname", "severity", "agent_id", "batch_id")


def render(groups: Iterable[Sequence[Scenario]], rules: str = "ultravox.rules.yml") -> str:
    """Return the file: a test for each group. `rules` is the rules' path from where it lies."""
    document = {
        "rule_files": [rules],
        "evaluation_interval": "1m",
        "tests": [_test(played) for group in groups for played in _played(group)],
    }
    return HEAD + yaml.safe_dump(document, sort_keys=False, width=math.inf)


def _played(group: Sequence[Scenario]) -> Iterator[Sequence[Scenario]]:
    """Yield the scenarios that are played at once."""
    yield from ([scenario] for scenario in group if scenario.alone)
    if together := [scenario for scenario in group if not scenario.alone]:
        yield together


def _test(scenarios: Sequence[Scenario]) -> dict[str, object]:
    series = [each for scenario in scenarios for each in scraped(_own(scenario), scenario.minutes)]
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": written(each)} for name, each in series],
        "promql_expr_test": [
            {
                "expr": _firing(scenario, last - first),
                "eval_time": f"{last}m",
                "exp_samples": [
                    {"labels": _labels(alert), "value": last - first + 1} for alert in alerts
                ],
            }
            for scenario in scenarios
            for (first, last), alerts in scenario.fires.items()
        ],
    }


def _own(scenario: Scenario) -> tuple[Exporter, ...]:
    """Return the scenario's exporters, told apart from those of others."""
    return tuple(
        replace(exporter, account=scenario.name, instance=f"{exporter.instance} of {scenario.name}")
        for exporter in scenario.exporters
    )


def _firing(scenario: Scenario, minutes: int) -> str:
    account = "" if scenario.alone else f',account="{scenario.name}"'
    # Half a minute more: whether a range includes its first moment differs between 2 and 3.
    seconds = 60 * minutes + 30
    return FIRING.format(watched=scenario.watched, account=account, seconds=seconds)


def _labels(alert: str) -> str:
    pairs = zip(LABELS, f"Ultravox{alert}".split(), strict=False)
    return "{" + ",".join(f'{name}="{value}"' for name, value in pairs) + "}"
