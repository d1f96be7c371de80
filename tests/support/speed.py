"""Configurations and rules with shorter times, for tests that run many times as fast."""

import re
from collections.abc import Callable
from typing import Any

from exporter.durations import parse, render

BRIDGES = 10
"""Divisor of the times that must be longer than a restart, which is as slow as in real time."""

_SECONDS = 60
"""A number in a rule from here on is a duration in seconds; shares and counts are smaller."""

_TOKEN = re.compile(
    r'(?P<text>"[^"]*")'
    r"|(?P<bridge>(?:last|absent)_over_time\([^\[]*|increase\([^\[]*)\[(?P<span>\w+)\](?! offset)"
    r"|(?P<minimum>, )(?P<age>\d+)(?=\))"
    r"|(?P<duration>(?<![\w:.])(?:\d+(?:ms|[ywdhms]))+(?![\w:]))"
    r"|(?P<number>(?<![\w:.])\d+(?![\w:.]))"
)


def faster(value: Any, speed: float) -> Any:  # noqa: ANN401 - YAML of many shapes
    """Return a configuration with each duration divided by `speed`."""
    if isinstance(value, dict):
        return {key: faster(each, speed) for key, each in value.items()}
    if isinstance(value, list):
        return [faster(each, speed) for each in value]
    try:
        return render(parse(value) / speed)
    except (TypeError, ValueError):
        return value


def faster_rules(document: Any, speed: float) -> Any:  # noqa: ANN401 - as above
    """Return a document of rules with each time divided by `speed`, and unchanged annotations."""
    groups = [
        {**group, "rules": [_rule(rule, speed) for rule in group["rules"]]}
        for group in document["groups"]
    ]
    return {"groups": groups}


def _rule(rule: dict[str, Any], speed: float) -> dict[str, Any]:
    # Prometheus needs some seconds from its start to its first scrape.
    by = BRIDGES if "absent_over_time" in rule["expr"] else speed
    held = {"for": render(parse(rule["for"]) / by)} if "for" in rule else {}
    return {**rule, "expr": _TOKEN.sub(_divider(speed), rule["expr"]), **held}


def _divider(speed: float) -> Callable[[re.Match[str]], str]:
    def divided(found: re.Match[str]) -> str:
        if found["bridge"]:
            return f"{found['bridge']}[{render(parse(found['span']) / BRIDGES)}]"
        if found["minimum"] and float(found["age"]) >= _SECONDS:
            return f", {float(found['age']) / BRIDGES:g}"
        if found["duration"]:
            return render(parse(found["duration"]) / speed)
        if found["number"] and float(found["number"]) >= _SECONDS:
            return f"{float(found['number']) / speed:g}"
        return found[0]

    return divided
