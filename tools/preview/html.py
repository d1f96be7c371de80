"""The preview of the dashboard as HTML.

Titles, columns, widths, units and colours are the dashboard's. The drawing is not Grafana's: a note
in the picture says so.
"""

from html import escape

from tools.preview.dashboard import Json, panels
from tools.preview.drawing import chart_legend, draw_chart, draw_timeline, timeline_legend
from tools.preview.units import format_value, mapped_value, threshold_colour
from tools.preview.viewer import View

WIDTH = 1600
"""Pixels."""

STYLE = """
* { box-sizing: border-box } body { margin: 0; padding: 14px; width: 1600px; background: #111217;
  color: #ccccdc; font: 13px 'DejaVu Sans', sans-serif }
header { display: flex; gap: 10px; align-items: center; margin-bottom: 10px }
header b { font-size: 17px; margin-right: 12px } .chip { border: 1px solid #2c3235;
  padding: 4px 9px; border-radius: 3px; color: #8e9199 }
.chip em { font-style: normal; color: #ccccdc }
.note { margin-left: auto; background: #5794f2; color: #111217; padding: 5px 11px;
  border-radius: 3px; font-weight: bold }
.grid { display: grid; grid-template-columns: repeat(24, 1fr); gap: 8px }
section { background: #181b1f; border: 1px solid #25282e; border-radius: 3px; padding: 9px 12px;
  overflow: hidden } h2 { font-size: 13px; margin: 0 0 8px; font-weight: bold }
.stat { text-align: center; height: 112px } .stat h2 { text-align: left } .stat p { margin: 12px 0;
  font-size: 32px; white-space: nowrap } .big { font-size: 32px } .row { grid-column: span 24;
  color: #ccccdc; padding: 6px 2px 0; font-size: 14px } table { border-collapse: collapse }
.table { table-layout: fixed; width: 100% } td, th { text-align: right; padding: 6px 8px;
  border-bottom: 1px solid #25282e; white-space: nowrap; overflow: hidden } th { color: #8ab8ff;
  font-weight: normal } .t { text-align: left } .link { color: #6e9fff; text-decoration: underline }
.bar { background: #22252b; height: 17px; width: 54px; display: inline-block; vertical-align:
  middle; margin-right: 6px } .bar span { display: block; height: 17px; background: #5794f2 }
.share { display: inline-block; width: 38px }
i { display: inline-block; width: 14px; height: 4px; margin-right: 7px; vertical-align: middle }
.key { margin-right: 16px; color: #9fa7b3 } .key i { height: 11px }
.flex { display: flex; gap: 10px }
.names { font-size: 11px; flex: 1; color: #9fa7b3 } .names td, .names th { padding: 2px 4px;
  border: 0 } .names td:first-child, .names th:first-child { text-align: left }
"""


def preview_html(view: View) -> str:
    """Return the preview as HTML."""
    stats = [panel for panel in panels(view.board) if panel["type"] == "stat"]
    parts = [
        *(_stat(view, panel) for panel in stats),
        _table(view, view.panel("Batches that need attention"), "problem"),
        "<div class=row>\u2304 Batches over time</div>",
        _timeline(view, view.panel("States")),
        _chart(view, view.panel("Progress")),
        _chart(view, view.panel("Remaining calls vs. even progress")),
    ]
    variables = "".join(
        f"<span class=chip>{escape(each['label'])} <em>{escape(_selected_text(each))}</em></span>"
        for each in view.board["templating"]["list"]
    )
    note = (
        "<span class=note>Preview, drawn from the queries\u2019 results: not Grafana itself</span>"
    )
    title = f"<b>{escape(view.board['title'])}</b>"
    return (
        f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>"
        f"<header>{title}{variables}{note}</header><div class=grid>{''.join(parts)}</div>"
    )


def _selected_text(variable: Json) -> str:
    text: str | list[str] = variable.get("current", {}).get("text", "Prometheus")
    return text if isinstance(text, str) else " + ".join(text)


def _panel(panel: Json, content: str, kind: str = "", style: str = "") -> str:
    span = f"grid-column: span {panel['gridPos']['w']}; {style}"
    title = f"<h2>{escape(panel['title'])}</h2>"
    return f'<section class="{kind}" style="{span}">{title}{content}</section>'


def _stat(view: View, panel: Json) -> str:
    value, defaults = view.number(panel["title"]), panel["fieldConfig"]["defaults"]
    if value is None:
        return _panel(panel, f"<p>{escape(defaults['noValue'])}</p>", "stat")
    colour = threshold_colour(value, defaults["thresholds"])
    text = escape(format_value(value, defaults["unit"], defaults.get("decimals")))
    if panel["options"]["colorMode"] != "background":
        shown = "#ccccdc" if colour == "#9fa7b3" else colour
        return _panel(panel, f'<p style="color:{shown}">{text}</p>', "stat")
    style = "" if colour == "transparent" else f"background:{colour}; color:#fff"
    return _panel(panel, f"<p>{text}</p>", "stat", style)


def _table(view: View, panel: Json, sort_by: str) -> str:
    options = panel["transformations"][-1]["options"]
    positions: dict[str, int] = options["indexByName"]
    names = sorted(positions, key=positions.__getitem__)
    settings = _column_settings(panel)
    columns = [(name, settings[options["renameByName"][name]]) for name in names]
    heads = "".join(
        f'<th class="{"t" if _is_text(name, setting) else ""}"'
        f' style="width:{setting["custom.width"]}px">{escape(options["renameByName"][name])}</th>'
        for name, setting in columns
    )
    rows = "".join(
        f"<tr>{''.join(_cell(row, name, setting) for name, setting in columns)}</tr>"
        for row in view.rows(panel["title"], sort_by)
    )
    return _panel(panel, f"<table class=table><tr>{heads}</tr>{rows}</table>")


def _column_settings(panel: Json) -> Json:
    """Return the settings of each column, by its title."""
    return {
        each["matcher"]["options"]: {p["id"]: p["value"] for p in each["properties"]}
        for each in panel["fieldConfig"]["overrides"]
    }


def _is_text(name: str, setting: Json) -> bool:
    return not name.startswith("Value #") or setting.get("custom.align") == "left"


def _cell(row: Json, name: str, setting: Json) -> str:
    if not name.startswith("Value #"):
        kind = "t link" if "links" in setting else "t"
        return f'<td class="{kind}">{escape(str(row.get(name, "")))}</td>'
    value = row.get(name.removeprefix("Value #"))
    if "mappings" in setting and value is not None:
        text, colour = mapped_value(value, setting["mappings"])
        return f'<td class=t style="background:{colour}; color:#111217">{escape(text)}</td>'
    text = escape(format_value(value, setting["unit"], setting.get("decimals")))
    if setting.get("custom.cellOptions", {}).get("type") == "gauge" and value is not None:
        bar = f'<div class=bar><span style="width:{100 * value:.0f}%"></span></div>'
        return f"<td>{bar}<span class=share>{text}</span></td>"
    return f"<td>{text}</td>"


def _timeline(view: View, panel: Json) -> str:
    drawing = draw_timeline(panel, view.frame(panel["title"]), 1540, 290)
    return _panel(panel, f"{drawing}<div>{timeline_legend(panel)}</div>")


def _chart(view: View, panel: Json) -> str:
    frames = [view.frames[panel["title"], target["refId"]] for target in panel["targets"]]
    drawing = draw_chart(panel, frames, 490, 290)
    return _panel(panel, f"<div class=flex>{drawing}{chart_legend(panel, frames[0])}</div>")
