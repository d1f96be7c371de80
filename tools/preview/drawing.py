"""Charts and state timelines as SVG, from the results of range queries."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TypeAlias

from tools.preview.dashboard import RANGE, Json
from tools.preview.history import END
from tools.preview.units import COLOURS, PALETTE, format_value, mapped_value
from tools.preview.viewer import Frame

GRID_COLOUR, TEXT_COLOUR = "#2c3235", "#8e9199"

Scale: TypeAlias = Callable[[float], float]
"""Returns the pixel of a time (seconds since the epoch) or of a value."""


def line_name(legend: str, labels: Json) -> str:
    """Return a line's name: the legend of the panel with the line's labels."""
    return re.sub(r"{{(\w+)}}", lambda found: str(labels.get(found[1], "")), legend)


def draw_chart(panel: Json, frames: Sequence[Frame], width: int, height: int) -> str:
    """Return a chart of `width` by `height` pixels; frames after the first have dashed lines."""
    left, bottom = 84, 26
    points = [float(value) for frame in frames for line in frame for _, value in line["values"]]
    defaults = panel["fieldConfig"]["defaults"]
    maximum = defaults.get("max") or max(points, default=1) * 1.05
    x_of = _time_scale(left, width)

    def y_of(value: float) -> float:
        return height - bottom - value / maximum * (height - bottom - 8)

    parts = [_hours(x_of, height - bottom, height)]
    for quarter in range(5):
        value = maximum * quarter / 4
        y, text = y_of(value), format_value(value, defaults["unit"])
        parts.append(f'<line x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" {_GRID}/>')
        parts.append(_text(left - 8, y + 4, text, "end"))
    return _svg([*parts, *_lines(frames, x_of, y_of)], width, height)


def _lines(frames: Sequence[Frame], x_of: Scale, y_of: Scale) -> list[str]:
    lines, colours = [], _colours(frames)
    for index, frame in enumerate(frames):
        style = 'stroke-width="1.2" stroke-dasharray="6 5"' if index else 'stroke-width="2"'
        for line in frame:
            points = " ".join(f"{x_of(at):.1f},{y_of(float(v)):.1f}" for at, v in line["values"])
            colour = colours[line["metric"]["batch_id"]]
            lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" {style}/>')
    return lines


def chart_legend(panel: Json, frame: Frame) -> str:
    """Return the legend as HTML: each line's colour, name and last value, the highest first."""
    unit = panel["fieldConfig"]["defaults"]["unit"]
    colours = _colours([frame])
    ordered = sorted(frame, key=lambda line: -float(line["values"][-1][1]))
    rows = (
        f'<tr><td><i style="background:{colours[line["metric"]["batch_id"]]}"></i>'
        f"{escape(line_name(panel['targets'][0]['legendFormat'], line['metric']))}</td>"
        f"<td>{escape(format_value(float(line['values'][-1][1]), unit))}</td></tr>"
        for line in ordered
    )
    return f"<table class=names><tr><th>Name</th><th>Last</th></tr>{''.join(rows)}</table>"


def draw_timeline(panel: Json, frame: Frame, width: int, height: int) -> str:
    """Return a timeline of `width` by `height` pixels: one bar per batch, coloured by state."""
    left, bottom = 250, 26
    mappings = panel["fieldConfig"]["defaults"]["mappings"]
    x_of, bar_height = _time_scale(left, width), (height - bottom) / max(len(frame), 1)
    parts = [_hours(x_of, height - bottom, height)]
    for index, line in enumerate(frame):
        name = line_name(panel["targets"][0]["legendFormat"], line["metric"])
        parts.append(_text(left - 8, (index + 0.5) * bar_height + 4, name, "end"))
        for begin, end, value in _spans(line["values"]):
            x, colour = x_of(begin), mapped_value(value, mappings)[1]
            parts.append(
                f'<rect x="{x:.1f}" y="{index * bar_height + 3:.1f}" width="{x_of(end) - x:.1f}"'
                f' height="{bar_height - 6:.1f}" fill="{colour}" opacity="0.85"/>'
            )
    return _svg(parts, width, height)


def timeline_legend(panel: Json) -> str:
    """Return the legend of a timeline as HTML."""
    options = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    ordered = sorted(options, key=int, reverse=True)
    return " ".join(
        f'<span class=key><i style="background:{COLOURS[options[code]["color"]]}"></i>'
        f"{escape(options[code]['text'])}</span>"
        for code in ordered
    )


def _spans(values: list[tuple[float, str]]) -> list[tuple[float, float, float]]:
    """Return the beginning, the end and the value of each span of equal values."""
    found: list[tuple[float, float, float]] = []
    for (at, value), (next_at, _) in zip(values, [*values[1:], (END, "")], strict=True):
        if found and found[-1][2] == float(value) and found[-1][1] == at:
            found[-1] = (found[-1][0], next_at, float(value))
        else:
            found.append((at, next_at, float(value)))
    return found


def _time_scale(left: int, width: int) -> Scale:
    return lambda at: left + (at - END + RANGE) / RANGE * (width - left)


def _colours(frames: Sequence[Frame]) -> dict[str, str]:
    """Return the colour of each batch, by its id."""
    ids = sorted({line["metric"]["batch_id"] for frame in frames for line in frame})
    return {each: PALETTE[index % len(PALETTE)] for index, each in enumerate(ids)}


def _hours(x_of: Scale, bottom: float, height: float) -> str:
    """Return a vertical line and a label for each hour."""
    parts = []
    for at in range(END - RANGE, END, 3600):
        x, clock = x_of(at), datetime.fromtimestamp(at, UTC).strftime("%H:%M")
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{bottom}" {_GRID}/>')
        parts.append(_text(x, height - 8, clock, "middle"))
    return "".join(parts)


_GRID = f'stroke="{GRID_COLOUR}"'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{TEXT_COLOUR}" font-size="12"'
    return f"<text {place}>{escape(text)}</text>"


def _svg(parts: list[str], width: int, height: int) -> str:
    return f'<svg width="{width}" height="{height}">{"".join(parts)}</svg>'
