"""Every rule with one condition removed or loosened.

A condition is a line of an expression that begins with `and`, `unless` or `or`, a bound, a `for`, a
look-back, or a label that is aggregated away.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import yaml

from exporter.rules.document import render
from exporter.rules.thresholds import Links, Thresholds

Rule = dict[str, Any]


class Mutant(NamedTuple):
    """A rule without one of its conditions: its position, the changed rule, and the change."""

    position: int
    rule: Rule
    change: str


def bundled() -> list[Rule]:
    """Return the rules of all groups as shipped, without annotations, which take promtool long."""
    groups = yaml.safe_load(render(Thresholds(), Links()))["groups"]
    rules: list[Rule] = [rule for group in groups for rule in group["rules"]]
    return [{key: rule[key] for key in rule if key != "annotations"} for rule in rules]


def rule_name(rule: Rule) -> str:
    """Return the name of an alert or recorded series."""
    return str(rule.get("alert") or rule.get("record"))


def mutants(rules: Sequence[Rule]) -> Iterator[Mutant]:
    """Yield each rule with one condition less, for every condition."""
    for index, rule in enumerate(rules):
        if "for" in rule:
            yield Mutant(index, {key: rule[key] for key in rule if key != "for"}, "no for")
        for expression, change in _expressions(rule["expr"]):
            yield Mutant(index, {**rule, "expr": expression}, change)


def _expressions(expression: str) -> Iterator[tuple[str, str]]:
    """Yield each changed expression, and the change in words."""
    yield from _without_lines(expression)
    for pattern, loosened, meaning in LOOSER:
        for found in re.finditer(pattern, expression):
            new = loosened(found)
            line = expression.count("\n", 0, found.start()) + 1
            change = f"line {line}: {meaning}: {found.group()} -> {new}"
            yield expression[: found.start()] + new + expression[found.end() :], change


def _without_lines(expression: str) -> Iterator[tuple[str, str]]:
    """Yield the expression without each condition, and without each alternative of an `or`."""
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
    for line in range(index, len(lines)):
        depth += lines[line].count("(") - lines[line].count(")")
        if depth <= 0:
            return line + 1
    raise ValueError(lines[index])


def _alternative(lines: Sequence[str], index: int) -> int:
    """Return the first line of the alternative before the one that begins at a line."""
    indent = _indent(lines[index])
    for line in range(index - 1, -1, -1):
        if _indent(lines[line]) < indent:
            return line + 1
        if _indent(lines[line]) == indent and lines[line].lstrip().startswith("or "):
            return line
    return 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _bound(found: re.Match[str]) -> str:
    operator = found.group(1)
    return f"{'>=' if '>' in operator else '<='} {'-' if '>' in operator else ''}1e18"


LOOSER: tuple[tuple[str, Callable[[re.Match[str]], str], str], ...] = (
    (r"(>=|<=|>|<) [\d.]+\b", _bound, "no bound"),
    (r"== [01]\b", lambda _: ">= 0", "any value"),
    (r", (?:300|660)\)", lambda _: ", 0)", "no minimum age"),
    (r"\b3 \* ", lambda _: "0 * ", "no poll interval"),
    (r"last_over_time\(([^\[\]]+)\[5m\]\)", lambda found: found.group(1), "no look-back"),
    (r"\[1h\] offset", lambda _: "[2m] offset", "short memory"),
    (
        r"(increase\([^\[\]]+)\[15m\]",
        lambda found: f"{found.group(1)}[1d]",
        "any failure ever",
    ),
    (r"0\.35 \* ", lambda _: "0 * ", "any share of the failures"),
    (r", 1\.5\)", lambda _: ", 0)", "one failure"),
    (r"\(instance, pod, node, ", lambda _: "(", "by target"),
)
"""What is loosened: its pattern, its replacement, and the meaning of the change."""
