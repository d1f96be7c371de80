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
"""What a duration looks like: the units from the longest to the shortest, each at most once.

Twelve digits a unit hold every sane duration, and their sum is finite. The pattern means the same
in Python and in ECMAScript, so the JSON Schema carries it as well.
"""

_PATTERN: Final = re.compile(PATTERN)


def parse(text: str) -> float:
    """Return the seconds that a duration stands for; raise ValueError with what is expected."""
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
    """Return a duration's shortest text, to the millisecond. `seconds` is not negative.

    Years and weeks are used only where nothing is left over, as Prometheus does: 8 days are `8d`.
    """
    left = round(seconds * 1000)
    parts = []
    for unit, size in _MILLISECONDS.items():
        if unit in _ONLY_WHOLE and left % size:
            continue
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
