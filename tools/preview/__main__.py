"""`make picture`: a preview of the dashboard, drawn from what its queries answer.

Titles, columns, widths, units and colours are the dashboard's own; the drawing is not Grafana's,
and says so.
"""

import asyncio
import json
import subprocess
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.programs import require
from tests.support.prometheus import configured, history
from tools.docs.pages import DASHBOARD
from tools.preview.dashboard import Json, panels
from tools.preview.drawing import chart, keys, names, timeline
from tools.preview.history import samples
from tools.preview.units import mapped, step, written
from tools.preview.viewer import View

PICTURE = DASHBOARD.parents[1] / "docs" / "images" / "dashboard.png"
SIZE = (1600, 1128)

SWITCHES = (
    "--headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update"
)

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
.bar { background: #22252b; height: 17px; width: 92px; display: inline-block; vertical-align:
  middle; margin-right: 6px } .bar span { display: block; height: 17px; background: #5794f2 }
i { display: inline-block; width: 14px; height: 4px; margin-right: 7px; vertical-align: middle }
.key { margin-right: 16px; color: #9fa7b3 } .key i { height: 11px }
.flex { display: flex; gap: 10px }
.names { font-size: 11px; flex: 1; color: #9fa7b3 } .names td, .names th { padding: 2px 4px;
  border: 0 } .names td:first-child, .names th:first-child { text-align: left }
"""


def page(view: View) -> str:
    """Return the preview as HTML."""
    stats = [panel for panel in panels(view.board) if panel["type"] == "stat"]
    parts = [
        *(_stat(view, panel) for panel in stats),
        _table(view, view.panel("Batches that need attention"), "problem"),
        "<div class=row>\u2304 Batches over time</div>",
        _timeline(view, view.panel("States")),
        _chart(view, view.panel("Progress")),
        _chart(view, view.panel("Left against plan")),
    ]
    chips = "".join(
        f"<span class=chip>{escape(each['label'])} <em>{escape(_chosen(each))}</em></span>"
        for each in view.board["templating"]["list"]
    )
    note = (
        "<span class=note>Preview, drawn from the queries\u2019 results: not Grafana itself</span>"
    )
    title = f"<b>{escape(view.board['title'])}</b>"
    return (
        f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>"
        f"<header>{title}{chips}{note}</header><div class=grid>{''.join(parts)}</div>"
    )


def _chosen(variable: Json) -> str:
    return _joined(variable.get("current", {}).get("text", "Prometheus"))


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else " + ".join(text)


def _panel(panel: Json, content: str, kind: str = "", style: str = "") -> str:
    place = f"grid-column: span {panel['gridPos']['w']}; {style}"
    head = f"<h2>{escape(panel['title'])}</h2>"
    return f'<section class="{kind}" style="{place}">{head}{content}</section>'


def _stat(view: View, panel: Json) -> str:
    value, defaults = view.number(panel["title"]), panel["fieldConfig"]["defaults"]
    if value is None:
        return _panel(panel, f"<p>{escape(defaults['noValue'])}</p>", "stat")
    colour = step(value, defaults["thresholds"])
    filled = panel["options"]["colorMode"] == "background"
    text = escape(written(value, defaults["unit"], defaults.get("decimals")))
    if not filled:
        shown = "#ccccdc" if colour == "#9fa7b3" else colour
        return _panel(panel, f'<p style="color:{shown}">{text}</p>', "stat")
    style = "" if colour == "transparent" else f"background:{colour}; color:#fff"
    return _panel(panel, f"<p>{text}</p>", "stat", style)


def _table(view: View, panel: Json, first: str) -> str:
    options = panel["transformations"][-1]["options"]
    renamed = {name: options["renameByName"][name] for name in _ordered(options["indexByName"])}
    settings = {
        each["matcher"]["options"]: {p["id"]: p["value"] for p in each["properties"]}
        for each in panel["fieldConfig"]["overrides"]
    }
    heads = "".join(
        f'<th class="{"t" if _left(name, settings[title]) else ""}"'
        f' style="width:{settings[title]["custom.width"]}px">{escape(title)}</th>'
        for name, title in renamed.items()
    )
    rows = "".join(
        "<tr>"
        + "".join(_cell(row, name, settings[title]) for name, title in renamed.items())
        + "</tr>"
        for row in view.rows(panel["title"], first)
    )
    return _panel(panel, f"<table class=table><tr>{heads}</tr>{rows}</table>")


def _left(name: str, setting: Json) -> bool:
    return not name.startswith("Value #") or setting.get("custom.align") == "left"


def _ordered(places: dict[str, int]) -> list[str]:
    return sorted(places, key=places.__getitem__)


def _cell(row: Json, name: str, setting: Json) -> str:
    if not name.startswith("Value #"):
        kind = "t link" if "links" in setting else "t"
        return f'<td class="{kind}">{escape(str(row.get(name, "")))}</td>'
    value = row.get(name.removeprefix("Value #"))
    if "mappings" in setting and value is not None:
        text, colour = mapped(value, setting["mappings"])
        return f'<td class=t style="background:{colour}; color:#111217">{escape(text)}</td>'
    text = escape(written(value, setting["unit"], setting.get("decimals")))
    if setting.get("custom.cellOptions", {}).get("type") == "gauge" and value is not None:
        bar = f'<div class=bar><span style="width:{100 * value:.0f}%"></span></div>'
        return f"<td>{bar}{text}</td>"
    return f"<td>{text}</td>"


def _timeline(view: View, panel: Json) -> str:
    drawn = timeline(panel, view.frame(panel["title"]), 1540, 290)
    return _panel(panel, f"{drawn}<div>{keys(panel)}</div>")


def _chart(view: View, panel: Json) -> str:
    title = panel["title"]
    frames = [view.frames[title, target["refId"]] for target in panel["targets"]]
    drawn = chart(panel, frames, 490, 290)
    return _panel(panel, f"<div class=flex>{drawn}{names(panel, frames[0])}</div>")


async def seen(folder: Path) -> View:
    """Return the dashboard of the usual account."""
    file = folder / "history.txt"
    with file.open("w") as lines:
        lines.writelines(samples())
    async with configured(await history(file, folder)) as prometheus:
        board = json.loads(DASHBOARD.read_text("utf-8"))
        return await View.of(prometheus, board, "usual")


def taken(html: str, folder: Path, picture: Path) -> None:
    """Have chromium take the picture of a page."""
    file = folder / "preview.html"
    file.write_text(html, "utf-8")
    window = f"--window-size={SIZE[0]},{SIZE[1]}"
    profile = f"--user-data-dir={folder / 'profile'}"
    shot = f"--screenshot={picture}"
    command = [require("chromium"), *SWITCHES.split(), window, profile, shot, file.as_uri()]
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        taken(page(asyncio.run(seen(Path(temporary)))), Path(temporary), PICTURE)
