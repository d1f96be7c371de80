"""Scenarios run by promtool against a mutant: it is killed when one of them fails."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from tests.rules.document import GROUPS, render
from tests.rules.scenario import Scenario
from tools.rule_mutants.mutants import Mutant, Rule, mutants, rule_name

CONCURRENCY = os.cpu_count() or 1
"""Mutants that are tried at the same time."""

FIRST = 3
"""Number of scenarios that are tried before the others."""

Kills = dict[str, Counter[str]]
"""By a rule's name: how many of its mutants each scenario killed."""


def survivors(rules: Sequence[Rule], promtool: str, about: str) -> Iterator[str]:
    """Try the mutants of rules; yield, in order, a line for each that no scenario kills.

    Only rules whose name contains `about` are changed.
    """
    chosen = [mutant for mutant in mutants(rules) if about in rule_name(mutant.rule)]
    kills: Kills = {}
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        trials = [(each, pool.submit(killed, rules, each, promtool, kills)) for each in chosen]
        for number, (mutant, trial) in enumerate(trials, 1):
            if not trial.result():
                yield f"{rule_name(mutant.rule)}: {mutant.change}"
            if number % 20 == 0 or number == len(trials):
                sys.stdout.write(f"{number} of {len(trials)} mutants tried\n")
                sys.stdout.flush()


def killed(rules: Sequence[Rule], mutant: Mutant, promtool: str, kills: Kills) -> bool:
    """Return whether a scenario fails with the mutant; likely ones are tried first.

    Those are the scenarios with most `kills` of the rule's mutants, then those about its alert.
    """
    changed = [*rules[: mutant.position], mutant.rule, *rules[mutant.position + 1 :]]
    alert = mutant.rule.get("alert")
    if alert is not None:
        changed = [rule for rule in changed if rule.get("alert", alert) == alert]
    counts = kills.setdefault(rule_name(mutant.rule), Counter())
    likely = {scenario for scenario, _ in counts.most_common(FIRST)}
    first = [scenario for group in GROUPS for scenario in group if scenario.name in likely]
    for group in filter(None, (first, *sorted(GROUPS, key=lambda each: -_mentions(each, alert)))):
        if failed := failing(changed, group, alert, promtool):
            counts.update(failed)
            return True
    return False


def _mentions(group: Iterable[Scenario], alert: str | None) -> int:
    return sum(
        f"Ultravox{each.split()[0]}" == alert
        for scenario in group
        for alerts in scenario.fires.values()
        for each in alerts
    )


def failing(
    rules: Sequence[Rule], scenarios: Sequence[Scenario], alert: str | None, promtool: str
) -> set[str]:
    """Return the names of the scenarios that fail with these rules.

    `alert` is the only alert among the rules; None if there are more. Scenarios with a test of
    their own all count as failed if one of them fails. Raise RuntimeError if promtool fails for
    another reason, such as a mutant that is no PromQL.
    """
    with TemporaryDirectory() as folder:
        path, tests = Path(folder, "rules.yml"), Path(folder, "test.yml")
        path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": list(rules)}]}))
        tests.write_text(render([[_only(each, alert) for each in scenarios]], path))
        ended = subprocess.run(
            [promtool, "test", "rules", str(tests)], capture_output=True, text=True, check=False
        )
    output = ended.stdout + ended.stderr
    failed = re.findall(r"^\s+expr: (.+)$", output, re.MULTILINE)
    if ended.returncode and not failed:
        raise RuntimeError(output)
    return {
        scenario.name
        for scenario in scenarios
        if any(scenario.alone or f'scenario=\\"{scenario.name}\\"' in each for each in failed)
    }


def _only(scenario: Scenario, alert: str | None) -> Scenario:
    """Return the scenario with the expectations about one alert alone."""
    if alert is None:
        return scenario
    fires = {
        span: tuple(each for each in alerts if f"Ultravox{each.split()[0]}" == alert)
        for span, alerts in scenario.fires.items()
    }
    return replace(scenario, fires=fires, matching=alert)
