"""What the dashboard shows: the result of each query, with variables replaced as Grafana does."""

import asyncio
import re
from dataclasses import dataclass

from tools.preview.dashboard import (
    RANGE,
    STEP,
    Json,
    Query,
    merge_frames,
    panels,
    queries,
    variable_expression,
    with_values,
)
from tools.preview.history import END
from tools.preview.prometheus import Prometheus

CONCURRENT_QUERIES = 3

Frame = list[Json]
"""The result of one query: its series, with one value or with values over time."""


@dataclass(frozen=True)
class View:
    """The dashboard at END. `frames` are by panel (or annotation) and refId."""

    board: Json
    frames: dict[tuple[str, str], Frame]

    @classmethod
    async def load(
        cls, prometheus: Prometheus, board: Json, job: str, *, batch: str = ".*"
    ) -> "View":
        """Return the dashboard with this job and this batch selected."""
        selected = {"job": job, "account": ".*", "agent": ".*", "batch": batch}
        limit = asyncio.Semaphore(CONCURRENT_QUERIES)

        async def load_frame(query: Query) -> tuple[tuple[str, str], Frame]:
            async with limit:
                text = with_values(query.expression, selected)
                return (query.title, query.ref), await _result(prometheus, text, query.instant)

        shown = [query for query in queries(board) if query.kind != "variable"]
        return cls(board, dict(await asyncio.gather(*map(load_frame, shown))))

    @staticmethod
    async def options(prometheus: Prometheus, variable: Query, job: str) -> set[str]:
        """Return what a variable offers: its values, or `text=value` if its regex has both."""
        selected = {"job": job, "account": ".*", "agent": ".*"}
        expression = with_values(variable_expression(variable.expression), selected)
        label = re.fullmatch(r"label_values\(.+,(\w+)\)", variable.expression)
        span = {"start": str(END - RANGE), "end": str(END)}
        if label:
            series = await prometheus.query("series", **{"match[]": expression}, **span)
            return {each[label[1]] for each in series}
        frame = await _result(prometheus, expression, instant=True)
        regex = variable.regex.strip("/").replace("(?<", "(?P<")
        lines = [",".join(f'{k}="{v}"' for k, v in each["metric"].items()) for each in frame]
        matches = [re.search(regex, line) for line in lines]
        return {f"{match['text']}={match['value']}" for match in matches if match}

    def frame(self, title: str, ref: str = "") -> Frame:
        """Return the result of a panel's query: the first one, or the one with this refId."""
        return next(
            frame
            for (panel, name), frame in self.frames.items()
            if panel == title and name == (ref or name)
        )

    def number(self, title: str) -> float | None:
        """Return the number of a stat panel; None for "no data"."""
        frame = self.frame(title)
        assert len(frame) <= 1
        return float(frame[0]["value"][1]) if frame else None

    def rows(self, title: str, sort_by: str) -> list[Json]:
        """Return the rows of a table that have the value `sort_by`, the highest first."""
        refs = [target["refId"] for target in self.panel(title)["targets"]]
        rows = merge_frames({ref: self.frames[title, ref] for ref in refs})
        return sorted((row for row in rows if sort_by in row), key=lambda row: -float(row[sort_by]))

    def panel(self, title: str) -> Json:
        """Return the panel with this title."""
        return next(panel for panel in panels(self.board) if panel["title"] == title)


async def _result(prometheus: Prometheus, expression: str, instant: bool) -> Frame:
    if instant:
        answer = await prometheus.query("query", query=expression, time=str(END))
    else:
        span = {"start": str(END - RANGE), "end": str(END), "step": str(STEP)}
        answer = await prometheus.query("query_range", query=expression, **span)
    result: Frame = answer["result"]
    return result
