"""The metrics, labels and functions in a PromQL expression. A tokenizer, not a parser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*")"""
    r"|(?P<span>\[[^\]]*\])"
    r"|(?P<variable>\$\{\w+\}s?|\$\w+)"
    r"|(?P<number>\d[\d.]*(?:e[+-]?\d+)?(?:[smhdwy]\w*)?)"
    r"|(?P<word>[a-zA-Z_:][\w:]*)"
    r"|(?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^(){},=<>@])"
    r"|\s+"
)
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = {"and", "or", "unless", "offset", "bool", "inf", "nan", *_GROUPING}
RATES = {"rate", "irate", "increase", "resets"}
"""Functions for counters only."""


@dataclass
class Selector:
    """A metric, its matchers (operator and value by label), and the function called with it."""

    metric: str
    function: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass
class Expression:
    """What is in an expression. `added` are the labels that label_replace adds."""

    selectors: list[Selector] = field(default_factory=list)
    groupings: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)


def tokens(expression: str) -> list[str]:
    """Return the tokens, without white space; raise ValueError if a text is no token."""
    found, at = [], 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise ValueError(f"no PromQL: {expression[at : at + 20]!r}")
        if match.lastgroup:
            found.append(match[0])
        at = match.end()
    return found


@lru_cache(maxsize=1024)
def parse(expression: str) -> Expression:
    """Return the selectors and labels of an expression."""
    every, at, found = tokens(expression), 0, Expression()
    while at < len(every):
        word, following = every[at], every[at + 1 : at + 2]
        before = every[at - 2] if at > 1 and every[at - 1] == "(" else ""
        at += 1
        if word in _GROUPING:
            if following == ["("]:
                inside = _until(every, at + 1, ")")
                found.groupings.update(each for each in inside if each != ",")
                at += len(inside) + 2
        elif word == "label_replace":
            found.added.add(_second_text(every, at))
        elif re.match(r"[a-zA-Z_:]", word) and word not in _WORDS and not _called(following):
            selector = Selector(word, before)
            if following == ["{"]:
                inside = _until(every, at + 1, "}")
                selector.labels.update(_matchers(inside))
                at += len(inside) + 2
            found.selectors.append(selector)
    return found


def _called(following: list[str]) -> bool:
    """Return whether the word before is the name of a function."""
    return following != [] and following[0] in {"(", "by", "without"}


def _until(every: list[str], at: int, end: str) -> list[str]:
    return every[at : every.index(end, at)]


def _matchers(inside: list[str]) -> Iterator[tuple[str, str]]:
    for at in range(0, len(inside), 4):
        yield inside[at], inside[at + 1] + inside[at + 2]


def _second_text(every: list[str], at: int) -> str:
    """Return the label that a label_replace adds: the text after its first argument."""
    depth = 0
    for index in range(at, len(every)):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(every[index], 0)
        if every[index] == "," and depth == 1:
            return every[index + 1].strip('"')
    raise ValueError("label_replace without a label")
