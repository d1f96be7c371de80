"""Thresholds of the alert rules for the dashboard's queries and texts, and how texts write them."""

from exporter.rules.thresholds import Thresholds

THRESHOLDS = Thresholds()
"""The thresholds of the alert rules as they ship."""

MISSED_WITHIN = 86_400.0
"""Seconds after a batch closed in which the dashboard shows it as missed. No alert has it."""


def in_words(seconds: float) -> str:
    """Return a duration in seconds as words: `15 minutes`, `1 hour`."""
    size, unit = (3600, "hour") if seconds >= 3600 else (60, "minute")
    number = f"{seconds / size:g}"
    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"


def percent(share: float) -> str:
    """Return a share from 0 to 1 as a percentage: `5 %`."""
    return f"{100 * share:g} %"
