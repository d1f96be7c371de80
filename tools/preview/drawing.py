"""Charts and state timelines as SVG, from the results of range queries."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape

from tools.preview.dashboard import RANGE, Json
from tools.preview.history import END
from tools.preview.units import COLOURS, PALETTE, mapped, written
from tools.preview.viewer import Frame

GRID, FAINT = "#2c3235", "#8e9199"


def legend(text: str, metric: Json) -> str:
    """Return a line's name: the labels put into the panel's legend."""
    return re.sub(r"{{(\w+)}}", lambda found: str(metric.get(found[1], "")), text)


def chart(panel: Json, frames: Sequence[Frame], width: int, height: int) -> str:
    """Return lines, dashed in the frames after the first, over a grid with hours and values."""
    left, bottom = 84, 26
    unit = panel["fieldConfig"]["defaults"]["unit"]
    points = [float(value) for frame in frames for line in frame for _, value in line["values"]]
    top = panel["fieldConfig"]["defaults"].get("max") or max(points, default=1) * 1.05
    across = _across(left, width)

    def up(value: float) -> float:
        return height - bottom - value / top * (height - bottom - 8)

    parts = [_hours(across, height - bottom, height)]
    for quarter in range(5):
        value = top * quarter / 4
        parts.append(
            f'<line x1="{left}" x2="{width}" y1="{up(value):.1f}" y2="{up(value):.1f}"'
            f' stroke="{GRID}"/>{_text(left - 8, up(value) + 4, written(value, unit), "end")}'
        )
    colours = _colours(frames)
    for index, frame in enumerate(frames):
        style = 'stroke-width="1.2" stroke-dasharray="6 5"' if index else 'stroke-width="2"'
        for line in frame:
            way = " ".join(f"{across(at):.1f},{up(float(v)):.1f}" for at, v in line["values"])
            colour = colours[line["metric"]["batch_id"]]
            parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" {style}/>')
    return _svg(parts, width, height)


def names(panel: Json, frame: Frame) -> str:
    """Return the legend: each line's colour, name and last value, the highest first."""
    unit = panel["fieldConfig"]["defaults"]["unit"]
    colours = _colours([frame])
    ordered = sorted(frame, key=lambda line: -float(line["values"][-1][1]))
    rows = (
        f'<tr><td><i style="background:{colours[line["metric"]["batch_id"]]}"></i>'
        f"{escape(legend(panel['targets'][0]['legendFormat'], line['metric']))}</td>"
        f"<td>{escape(written(float(line['values'][-1][1]), unit))}</td></tr>"
        for line in ordered
    )
    return f"<table class=names><tr><th>Name</th><th>Last</th></tr>{''.join(rows)}</table>"


def timeline(panel: Json, frame: Frame, width: int, height: int) -> str:
    """Return a bar a batch, coloured by the panel's mappings."""
    left, bottom = 250, 26
    mappings = panel["fieldConfig"]["defaults"]["mappings"]
    across, tall = _across(left, width), (height - bottom) / max(len(frame), 1)
    parts = [_hours(across, height - bottom, height)]
    for row, line in enumerate(frame):
        name = legend(panel["targets"][0]["legendFormat"], line["metric"])
        parts.append(_text(left - 8, (row + 0.5) * tall + 4, name, "end"))
        for begin, end, value in _stretches(line["values"]):
            x, colour = across(begin), mapped(value, mappings)[1]
            parts.append(
                f'<rect x="{x:.1f}" y="{row * tall + 3:.1f}" width="{across(end) - x:.1f}"'
                f' height="{tall - 6:.1f}" fill="{colour}" opacity="0.85"/>'
            )
    return _svg(parts, width, height)


def keys(panel: Json) -> str:
    """Return the legend of a state timeline."""
    options = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    ordered = sorted(options, key=int, reverse=True)
    return " ".join(
        f'<span class=key><i style="background:{COLOURS[options[code]["color"]]}"></i>'
        f"{escape(options[code]['text'])}</span>"
        for code in ordered
    )


def _stretches(values: list[tuple[float, str]]) -> list[tuple[float, float, float]]:
    """Return from when until when there was which value."""
    found: list[tuple[float, float, float]] = []
    for (at, value), (later, _) in zip(values, [*values[1:], (END, "")], strict=True):
        if found and found[-1][2] == float(value) and found[-1][1] == at:
            found[-1] = (found[-1][0], later, float(value))
        else:
            found.append((at, later, float(value)))
    return found


def _across(left: int, width: int) -> Callable[[float], float]:
    return lambda at: left + (at - END + RANGE) / RANGE * (width - left)


def _colours(frames: Sequence[Frame]) -> dict[str, str]:
    ids = sorted({line["metric"]["batch_id"] for frame in frames for line in frame})
    return {each: PALETTE[index % len(PALETTE)] for index, each in enumerate(ids)}


def _hours(across: Callable[[float], float], low: float, height: float) -> str:
    parts = []
    for at in range(END - RANGE, END, 3600):
        x, clock = across(at), datetime.fromtimestamp(at, UTC).strftime("%H:%M")
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{low}" stroke="{GRID}"/>')
        parts.append(_text(x, height - 8, clock, "middle"))
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{FAINT}" font-size="12"'
    return f"<text {place}>{escape(text)}</text>"


def _svg(parts: list[str], width: int, height: int) -> str:
    return f'<svg width="{width}" height="{height}">{"".join(parts)}</svg>'
