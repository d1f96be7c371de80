"""Durations as Prometheus writes them (`90s`, `1h30m`, `250ms`), as text and as float seconds."""

import re
from typing import Final

_MILLISECONDS: Final = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_ONLY_WHOLE: Final = ("y", "w")

PATTERN: Final = "(?=[0-9])" + "".join(f"(?:([0-9]{{1,12}}){unit})?" for unit in _MILLISECONDS)
"""Pattern of a duration: the units from the longest to the shortest, each at most once.

Twelve digits per unit are enough for every useful duration, and keep the sum finite. The pattern
means the same in Python and in ECMAScript, so the JSON Schema also uses it.
"""

_PATTERN: Final = re.compile(PATTERN)


def parse(text: str) -> float:
    """Return a duration in seconds. Raises ValueError with what is expected."""
    found = _PATTERN.fullmatch(text)
    if found is None:
        advice = f"write {text}s" if re.fullmatch("[0-9]{1,12}", text) else "write 30s or 1h30m"
        raise ValueError(f"expected a duration with its unit (y, w, d, h, m, s, ms): {advice}")
    sizes = _MILLISECONDS.values()
    return (
        sum(int(count or 0) * size for count, size in zip(found.groups(), sizes, strict=True))
        / 1000
    )


def render(seconds: float) -> str:
    """Return the shortest text of a duration, exact to 1 ms. `seconds` is not negative.

    As in Prometheus, years and weeks are used only for whole years and weeks: 8 days are `8d`.
    """
    rest = round(seconds * 1000)
    parts = []
    for unit, size in _MILLISECONDS.items():
        if unit in _ONLY_WHOLE and rest % size:
            continue
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
