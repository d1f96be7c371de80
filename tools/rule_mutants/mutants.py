"""The mutants of the rules: each rule with one guard removed.

A guard is a line of an expression that begins with `and`, `unless` or `or`, a bound, a `for`, a
look-back, or a label that is aggregated away.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import yaml

from exporter.rules.document import render
from exporter.rules.thresholds import Links, Thresholds

Rule = dict[str, Any]


class Mutant(NamedTuple):
    """A rule with one guard removed: its place, the changed rule, and what changed."""

    place: int
    rule: Rule
    how: str


def mutants(every: Sequence[Rule]) -> Iterator[Mutant]:
    """Yield each rule with one guard removed, for every guard."""
    for place, rule in enumerate(every):
        if "for" in rule:
            yield Mutant(place, {key: rule[key] for key in rule if key != "for"}, "no for")
        for expression, how in _expressions(rule["expr"]):
            yield Mutant(place, {**rule, "expr": expression}, how)


def _expressions(expression: str) -> Iterator[tuple[str, str]]:
    yield from _without_lines(expression)
    for pattern, loosened, what in LOOSENED:
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
    """Return the line after the operand that starts at a line: it may be in parentheses."""
    depth = 0
    for place in range(index, len(lines)):
        depth += lines[place].count("(") - lines[place].count(")")
        if depth <= 0:
            return place + 1
    raise ValueError(lines[index])


def _alternative(lines: Sequence[str], index: int) -> int:
    """Return the first line of the alternative before the one that starts at a line."""
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


LOOSENED: tuple[tuple[str, Callable[[re.Match[str]], str], str], ...] = (
    (r"(>=|<=|>|<) [\d.]+\b", _bound, "no bound"),
    (r"== [01]\b", lambda _: ">= 0", "any value"),
    (r"\b300\)", lambda _: "0)", "no age limit"),
    (r"2 \* ", lambda _: "0 * ", "no poll interval"),
    (r"last_over_time\(([^\[\]]+)\[5m\]\)", lambda found: found.group(1), "no look-back"),
    (r"\[1h\] offset", lambda _: "[2m] offset", "a short look-back"),
    (r"\[10m\]", lambda _: "[1d]", "any failure ever"),
    (r"\(instance, pod, node, ", lambda _: "(", "with the labels of one exporter"),
)
"""What is loosened: a pattern, its replacement, and what the change means."""


def bundled_rules() -> list[Rule]:
    """Return the rules with default thresholds, without their texts: those are slow."""
    document: Mapping[str, Any] = yaml.safe_load(render(Thresholds(), Links()))
    rules: list[Rule] = deepcopy(document["groups"][0]["rules"])
    return [{key: rule[key] for key in rule if key != "annotations"} for rule in rules]


def name_of(rule: Rule) -> str:
    """Return the name of an alerting or recording rule."""
    return str(rule.get("alert") or rule.get("record"))
