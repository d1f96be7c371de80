"""What users wrote for real time, rewritten for a world that lives faster."""

import re
from collections.abc import Callable
from typing import Any

from exporter.durations import parse, render

BRIDGES = 10
"""By what the times are divided that must be longer than a restart: it is as slow as ever."""

_SECONDS = 60
"""From here on a number in a rule is a duration in seconds: shares, counts, factors are less."""

_TOKEN = re.compile(
    r'(?P<text>"[^"]*")'
    r"|(?P<bridge>(?:last|absent)_over_time\([^\[]*|increase\([^\[]*)\[(?P<span>\w+)\](?! offset)"
    r"|(?P<patience>, )(?P<old>\d+)(?=\))"
    r"|(?P<duration>(?<![\w:.])(?:\d+(?:ms|[ywdhms]))+(?![\w:]))"
    r"|(?P<number>(?<![\w:.])\d+(?![\w:.]))"
)


def quickened(value: Any, speed: float) -> Any:  # noqa: ANN401 - YAML of many shapes
    """Return a configuration with all its durations divided."""
    if isinstance(value, dict):
        return {key: quickened(each, speed) for key, each in value.items()}
    if isinstance(value, list):
        return [quickened(each, speed) for each in value]
    try:
        return render(parse(value) / speed)
    except (TypeError, ValueError):
        return value


def quickened_rules(document: Any, speed: float) -> Any:  # noqa: ANN401 - as above
    """Return a document of rules with all their durations divided; texts and labels stay."""
    groups = [
        {**group, "rules": [_rule(rule, speed) for rule in group["rules"]]}
        for group in document["groups"]
    ]
    return {"groups": groups}


def _rule(rule: dict[str, Any], speed: float) -> dict[str, Any]:
    # Prometheus takes its seconds from its start to its first scrape.
    by = BRIDGES if "absent_over_time" in rule["expr"] else speed
    held = {"for": render(parse(rule["for"]) / by)} if "for" in rule else {}
    return {**rule, "expr": _TOKEN.sub(_divider(speed), rule["expr"]), **held}


def _divider(speed: float) -> Callable[[re.Match[str]], str]:
    def divided(found: re.Match[str]) -> str:
        if found["bridge"]:
            return f"{found['bridge']}[{render(parse(found['span']) / BRIDGES)}]"
        if found["patience"] and float(found["old"]) >= _SECONDS:
            return f", {float(found['old']) / BRIDGES:g}"
        if found["duration"]:
            return render(parse(found["duration"]) / speed)
        if found["number"] and float(found["number"]) >= _SECONDS:
            return f"{float(found['number']) / speed:g}"
        return found[0]

    return divided
