"""The dashboard as a whole, and where each panel stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    GridPos,
    Panel,
    RowPanel,
)

from exporter.rules.alert import DASHBOARD
from tools.dashboard.batches import attention, every, states
from tools.dashboard.charts import agent_charts, agents, batch_charts, concurrency, outcomes
from tools.dashboard.health import exporters, health_charts
from tools.dashboard.overview import overview
from tools.dashboard.variables import annotations, variables

SCHEMA = 39
"""What Grafana 11 writes: it and later ones read it, and bring it up to date themselves."""

WIDTH = 24
DESCRIPTION = """\
Ultravox scheduled call batches: what needs attention, how each comes along, and whether the\
 numbers can be trusted. Written by `make docs`; how to read it: docs/dashboard.md."""


@dataclass(frozen=True)
class Band:
    """Panels of one height, as wide as each other unless there are more than fit in a line."""

    height: int
    width: int
    panels: Sequence[Builder[Panel]]


@dataclass(frozen=True)
class Section:
    """Panels under a heading."""

    title: str
    bands: Sequence[Band]
    collapsed: bool = False


FIRST = (Band(4, 3, overview()), Band(9, WIDTH, [attention()]))

SECTIONS = (
    Section("All batches", (Band(12, WIDTH, [every()]),)),
    Section("Batches over time", (Band(11, WIDTH, [states()]), Band(10, 12, batch_charts()))),
    Section("Agents", (Band(8, WIDTH, [agents()]), Band(9, 12, agent_charts()))),
    Section("Account", (Band(9, WIDTH, [concurrency()]),)),
    Section("Outcomes", (Band(9, 12, outcomes()),)),
    Section(
        "Exporter and API",
        (Band(7, WIDTH, [exporters()]), Band(8, 8, health_charts())),
        collapsed=True,
    ),
)


def placed(bands: Sequence[Band], top: int, number: int) -> tuple[list[Panel], int]:
    """Return the panels with their places and ids from a number on, and the row below them."""
    panels = []
    for band in bands:
        each_line = WIDTH // band.width
        for index, builder in enumerate(band.panels):
            panel = builder.build()
            line, column = divmod(index, each_line)
            place = GridPos(band.height, band.width, column * band.width, top + line * band.height)
            panel.id_val, panel.grid_pos = number, place
            panels.append(panel)
            number += 1
        top += -(-len(band.panels) // each_line) * band.height
    return panels, top


def panels() -> list[Panel | RowPanel]:
    """Return every panel, those of a collapsed section within its heading."""
    made, top = placed(FIRST, 0, 1)
    every: list[Panel | RowPanel] = [*made]
    for index, section in enumerate(SECTIONS, 1):
        number, place = 100 * index, GridPos(1, WIDTH, 0, top)
        row = RowPanel(section.collapsed, section.title, None, place, number)
        inside, below = placed(section.bands, top + 1, number + 1)
        every.append(row)
        if section.collapsed:
            row.panels, top = inside, top + 1
        else:
            every.extend(inside)
            top = below
    return every


def render() -> str:
    """Return the dashboard as JSON."""
    builder = (
        Dashboard("Ultravox batches")
        .uid(DASHBOARD)
        .description(DESCRIPTION)
        .tags(["ultravox"])
        .time("now-6h", "now")
        .refresh("1m")
        .timezone("browser")
        .editable()
        .tooltip(DashboardCursorSync.CROSSHAIR)
    )
    for variable in variables():
        builder = builder.with_variable(variable)
    for annotation in annotations():
        builder = builder.annotation(annotation)
    made = builder.build()
    made.schema_version, made.version, made.panels = SCHEMA, 1, panels()
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    return encoder.encode(made) + "\n"
