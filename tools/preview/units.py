"""Values as Grafana shows them, in the units and colours that the dashboard uses."""

from collections.abc import Mapping
from datetime import UTC, datetime

from tools.preview.dashboard import Json
from tools.preview.history import END

COLOURS: Mapping[str, str] = {
    "transparent": "transparent",
    "text": "#9fa7b3",
    "red": "#f2495c",
    "dark-red": "#c4162a",
    "orange": "#ff9830",
    "yellow": "#fade2a",
    "dark-yellow": "#e0b400",
    "green": "#73bf69",
    "blue": "#5794f2",
    "light-blue": "#8ab8ff",
    "purple": "#b877d9",
}
"""The colours of Grafana's dark theme, by name."""

PALETTE = (
    "#73bf69",
    "#f2cc0c",
    "#8ab8ff",
    "#ff780a",
    "#f2495c",
    "#5794f2",
    "#b877d9",
    "#37872d",
    "#fade2a",
    "#447ebc",
)


def format_value(value: float | None, unit: str, decimals: int | None = None) -> str:
    """Return a value with its unit; a dash for None."""
    if value is None:
        return "\u2013"
    if unit.startswith("suffix:"):
        return f"{value:,.{decimals or 0}f} {unit.removeprefix('suffix:').strip()}"
    if unit == "percentunit":
        return f"{100 * value:.{decimals or 0}f}%"
    if unit == "s":
        return _seconds(value)
    if unit.startswith("dateTime"):
        return _time(value / 1000)
    return f"{value:,.{decimals or 0}f}"


def _seconds(value: float) -> str:
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "mins")):
        if value >= size:
            return f"{value / size:.1f} {name}"
    return f"{value:.0f} s"


def _time(at: float) -> str:
    time, now = (datetime.fromtimestamp(each, UTC) for each in (at, END))
    return time.strftime("%H:%M:%S" if time.date() == now.date() else "%Y-%m-%d %H:%M:%S")


def mapped_value(value: float, mappings: list[Json]) -> tuple[str, str]:
    """Return the text and the colour of a value; raise ValueError if no mapping has it."""
    for mapping in mappings:
        options = mapping["options"]
        if mapping["type"] == "range":
            if options["from"] <= value <= options["to"]:
                return _result(options["result"])
        elif f"{value:g}" in options:
            return _result(options[f"{value:g}"])
    raise ValueError(f"no mapping has the value {value}")


def _result(result: Json) -> tuple[str, str]:
    return result["text"], COLOURS[result["color"]]


def threshold_colour(value: float, thresholds: Json) -> str:
    """Return the colour of the highest threshold that a value reaches."""
    reached = [
        each for each in thresholds["steps"] if each["value"] is None or value >= each["value"]
    ]
    return COLOURS[reached[-1]["color"]]
