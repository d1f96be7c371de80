"""Whether a scenario notices a mutant: the scenarios, run by promtool with the changed rules."""

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from tests.rules import GROUPS
from tests.rules.document import render
from tests.rules.scenario import Scenario
from tools.rule_mutants.mutants import Mutant, Rule, name_of

Notices = dict[str, Counter[str]]
"""For each rule, by its name: how many of its mutants each scenario has noticed, by its name."""

FIRST = 3
"""Scenarios that are run before the others."""


def is_noticed(rules: Sequence[Rule], mutant: Mutant, promtool: str, notices: Notices) -> bool:
    """Return whether a scenario fails with a mutant; the scenarios most likely to fail run first.

    These are the ones that noticed other mutants of the rule, then those about its alert. `notices`
    is updated.
    """
    changed = [*rules[: mutant.place], mutant.rule, *rules[mutant.place + 1 :]]
    name = mutant.rule.get("alert")
    if name is not None:
        changed = [rule for rule in changed if rule.get("alert", name) == name]
    counts = notices.setdefault(name_of(mutant.rule), Counter())
    often = {scenario for scenario, _ in counts.most_common(FIRST)}
    first = [scenario for group in GROUPS for scenario in group if scenario.name in often]
    for group in filter(None, (first, *sorted(GROUPS, key=lambda each: -_mentions(each, name)))):
        if failed := failing_scenarios(changed, group, name, promtool):
            counts.update(failed)
            return True
    return False


def _mentions(group: Iterable[Scenario], name: str | None) -> int:
    return sum(
        name is not None and f"Ultravox{alert.split()[0]}" == name
        for scenario in group
        for alerts in scenario.fires.values()
        for alert in alerts
    )


def failing_scenarios(
    rules: Sequence[Rule], scenarios: Sequence[Scenario], name: str | None, promtool: str
) -> set[str]:
    """Return the names of the scenarios that fail with these rules.

    `name` is the only alert among the rules, None where all are. Of scenarios that run alone all
    are returned when one fails. Raises RuntimeError when promtool fails for another reason, such as
    a mutant that it can't parse.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, tests = Path(folder, "rules.yml"), Path(folder, "test.yml")
        path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": list(rules)}]}))
        tests.write_text(render([[_only(each, name) for each in scenarios]], path.name))
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
        if any(scenario.alone or f'account=\\"{scenario.name}\\"' in each for each in failed)
    }


def _only(scenario: Scenario, name: str | None) -> Scenario:
    """Return the scenario with the expectations about one alert."""
    if name is None:
        return scenario
    fires = {
        span: tuple(alert for alert in alerts if f"Ultravox{alert.split()[0]}" == name)
        for span, alerts in scenario.fires.items()
    }
    return replace(scenario, fires=fires, watched=name)
