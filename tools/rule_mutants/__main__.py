"""The rules, each with one guard less: `make mutants` shows that a scenario notices each.

A guard is a line of an expression that begins with `and`, `unless` or `or`, a bound, a `for`, a
look-back, a label that is aggregated away.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from exporter.rules.document import render as rules
from exporter.rules.thresholds import Links, Thresholds
from tests.rules import batches, service
from tests.rules.document import render
from tests.rules.scenario import Scenario
from tests.support.programs import require

Rule = dict[str, Any]

AT_ONCE = os.cpu_count() or 1
"""Mutants that are tried at once."""

GROUPS = (*batches.GROUPS, *service.GROUPS)


class Mutant(NamedTuple):
    """A rule without one of its guards: its place, what it was, what became of it, and how."""

    place: int
    rule: Rule
    how: str


def mutants(every: Sequence[Rule]) -> Iterator[Mutant]:
    """Yield each rule with one guard less, for every guard."""
    for place, rule in enumerate(every):
        if "for" in rule:
            yield Mutant(place, {key: rule[key] for key in rule if key != "for"}, "no for")
        for expression, how in _expressions(rule["expr"]):
            yield Mutant(place, {**rule, "expr": expression}, how)


def _expressions(expression: str) -> Iterator[tuple[str, str]]:
    yield from _without_lines(expression)
    for pattern, loosened, what in LOOSER:
        for found in re.finditer(pattern, expression):
            new = loosened(found)
            where = expression.count("\n", 0, found.start()) + 1
            how = f"line {where}: {what}: {found.group()} -> {new}"
            yield expression[: found.start()] + new + expression[found.end() :], how


def _without_lines(expression: str) -> Iterator[tuple[str, str]]:
    """Yield the expression without each guard, and without each alternative and its guards."""
    lines = expression.split("\n")
    for index, line in enumerate(lines):
        if re.match(r"\s*(and|unless|or) ", line):
            rest = [*lines[:index], *lines[_end(lines, index) :]]
            yield "\n".join(rest), f"line {index + 1}: without: {line.strip()}"
        if re.match(r"\s*or ", line):
            first = _alternative(lines, index)
            others = [*lines[:first], *lines[index:]]
            if not re.match(r"\s*or ", lines[first]):
                others[first] = re.sub(r"or ", "", line, count=1)
            yield "\n".join(others), f"lines {first + 1} to {index}: without the alternative"


def _end(lines: Sequence[str], index: int) -> int:
    """Return the line after the operand that begins at a line: it may be in parentheses."""
    depth = 0
    for place in range(index, len(lines)):
        depth += lines[place].count("(") - lines[place].count(")")
        if depth <= 0:
            return place + 1
    raise ValueError(lines[index])


def _alternative(lines: Sequence[str], index: int) -> int:
    """Return the first line of the alternative before the one that begins at a line."""
    margin = _margin(lines[index])
    for place in range(index - 1, -1, -1):
        if _margin(lines[place]) < margin:
            return place + 1
        if _margin(lines[place]) == margin and lines[place].lstrip().startswith("or "):
            return place
    return 0


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


def _bound(found: re.Match[str]) -> str:
    operator = found.group(1)
    return f"{'>=' if '>' in operator else '<='} {'-' if '>' in operator else ''}1e18"


LOOSER: tuple[tuple[str, Callable[[re.Match[str]], str], str], ...] = (
    (r"(>=|<=|>|<) [\d.]+\b", _bound, "no bound"),
    (r"== [01]\b", lambda _: ">= 0", "any value"),
    (r"\b300\)", lambda _: "0)", "no patience"),
    (r"2 \* ", lambda _: "0 * ", "no cadence"),
    (r"last_over_time\(([^\[\]]+)\[5m\]\)", lambda found: found.group(1), "no look-back"),
    (r"\[1h\] offset", lambda _: "[2m] offset", "no memory"),
    (r"\[10m\]", lambda _: "[1d]", "any failure ever"),
    (r"\(instance, pod, node, ", lambda _: "(", "by who serves it"),
)
"""What is loosened: where it stands, what takes its place, and what that means."""


def survivors(every: Sequence[Rule], promtool: str, about: str) -> Iterator[str]:
    """Try the mutants of rules; yield, in order, a line for each that no scenario notices."""
    chosen = [mutant for mutant in mutants(every) if about in _name(mutant.rule)]
    before: Notices = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tried = [(each, pool.submit(noticed, every, each, promtool, before)) for each in chosen]
        for number, (mutant, outcome) in enumerate(tried, 1):
            if not outcome.result():
                yield f"{_name(mutant.rule)}: {mutant.how}"
            if number % 20 == 0 or number == len(tried):
                sys.stdout.write(f"{number} of {len(tried)} mutants tried\n")
                sys.stdout.flush()


Notices = dict[str, Counter[str]]
"""How many mutants of a rule, by its name, each scenario noticed, by its own."""

FIRST = 3
"""Scenarios that are tried before the others."""


def noticed(every: Sequence[Rule], mutant: Mutant, promtool: str, before: Notices) -> bool:
    """Whether a scenario fails; those that are likely to are tried first.

    They are those that noticed other mutants of the rule `before`, then those about its alert.
    """
    changed = [*every[: mutant.place], mutant.rule, *every[mutant.place + 1 :]]
    name = mutant.rule.get("alert")
    if name is not None:
        changed = [rule for rule in changed if rule.get("alert", name) == name]
    notices = before.setdefault(_name(mutant.rule), Counter())
    often = {scenario for scenario, _ in notices.most_common(FIRST)}
    first = [scenario for group in GROUPS for scenario in group if scenario.name in often]
    for group in filter(None, (first, *sorted(GROUPS, key=lambda each: -_mentions(each, name)))):
        if failed := failing(changed, group, name, promtool):
            notices.update(failed)
            return True
    return False


def _mentions(group: Iterable[Scenario], name: str | None) -> int:
    return sum(
        name is not None and f"Ultravox{alert.split()[0]}" == name
        for scenario in group
        for alerts in scenario.fires.values()
        for alert in alerts
    )


def failing(
    every: Sequence[Rule], scenarios: Sequence[Scenario], name: str | None, promtool: str
) -> set[str]:
    """Return the names of scenarios that fail with these rules; `name` is the one alert they have.

    Which of those that are played alone failed is not told apart. Raise RuntimeError where promtool
    fails for another reason: it can't read a mutant, say.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, tests = Path(folder, "rules.yml"), Path(folder, "test.yml")
        path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": list(every)}]}))
        tests.write_text(render([[_about(each, name) for each in scenarios]], path.name))
        ended = subprocess.run(
            [promtool, "test", "rules", str(tests)], capture_output=True, text=True, check=False
        )
    told = ended.stdout + ended.stderr
    failed = re.findall(r"^\s+expr: (.+)$", told, re.MULTILINE)
    if ended.returncode and not failed:
        raise RuntimeError(told)
    return {
        scenario.name
        for scenario in scenarios
        if any(scenario.alone or f'account=\\"{scenario.name}\\"' in each for each in failed)
    }


def _about(scenario: Scenario, name: str | None) -> Scenario:
    if name is None:
        return scenario
    fires = {
        span: tuple(alert for alert in alerts if f"Ultravox{alert.split()[0]}" == name)
        for span, alerts in scenario.fires.items()
    }
    return replace(scenario, fires=fires, watched=name)


def bundled() -> list[Rule]:
    """Return the rules as they are printed, without what they tell: that takes promtool long."""
    document: Mapping[str, Any] = yaml.safe_load(rules(Thresholds(), Links()))
    every: list[Rule] = deepcopy(document["groups"][0]["rules"])
    return [{key: rule[key] for key in rule if key != "annotations"} for rule in every]


def _name(rule: Rule) -> str:
    return str(rule.get("alert") or rule.get("record"))


def main(about: str = "") -> int:
    """Print the survivors, of rules whose name contains `about`; return 1 where there are any."""
    status = 0
    for line in survivors(bundled(), require("promtool"), about):
        sys.stdout.write(f"survives: {line}\n")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
