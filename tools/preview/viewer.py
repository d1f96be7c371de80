"""What the dashboard shows: every query's result at END, variables put in as Grafana does."""

import asyncio
import re
from dataclasses import dataclass

from tests.support.prometheus import Prometheus
from tools.preview.dashboard import RANGE, STEP, Json, Query, asked, filled, merged, panels, queries
from tools.preview.history import END

AT_ONCE = 3

Frame = list[Json]


@dataclass(frozen=True)
class View:
    """Results by panel (or annotation) and refId."""

    board: Json
    frames: dict[tuple[str, str], Frame]

    @classmethod
    async def of(
        cls, prometheus: Prometheus, board: Json, job: str, *, batch: str = ".*"
    ) -> "View":
        """Ask everything but the variables."""
        chosen = {"job": job, "account": ".*", "agent": ".*", "batch": batch}
        turns = asyncio.Semaphore(AT_ONCE)

        async def answered(query: Query) -> tuple[tuple[str, str], Frame]:
            async with turns:
                text = filled(query.expression, chosen)
                return (query.title, query.ref), await _result(prometheus, text, query.instant)

        every = [query for query in queries(board) if query.where != "variable"]
        return cls(board, dict(await asyncio.gather(*map(answered, every))))

    @staticmethod
    async def options(prometheus: Prometheus, variable: Query, job: str) -> set[str]:
        """Return what a variable offers; `text=value` where its regex tells the two apart."""
        chosen = {"job": job, "account": ".*", "agent": ".*"}
        expression = filled(asked(variable.expression), chosen)
        found = re.fullmatch(r"label_values\(.+,(\w+)\)", variable.expression)
        span = {"start": str(END - RANGE), "end": str(END)}
        if found:
            series = await prometheus.post("series", **{"match[]": expression}, **span)
            return {each[found[1]] for each in series}
        frame = await _result(prometheus, expression, instant=True)
        regex = variable.regex.strip("/").replace("(?<", "(?P<")
        lines = [",".join(f'{k}="{v}"' for k, v in each["metric"].items()) for each in frame]
        matches = [re.search(regex, line) for line in lines]
        return {f"{match['text']}={match['value']}" for match in matches if match}

    def frame(self, title: str, ref: str = "") -> Frame:
        """Return the result of a panel's query, the first unless named."""
        return next(
            frame
            for (panel, name), frame in self.frames.items()
            if panel == title and name == (ref or name)
        )

    def number(self, title: str) -> float | None:
        """Return a stat's number, None for "no data"."""
        frame = self.frame(title)
        assert len(frame) <= 1
        return float(frame[0]["value"][1]) if frame else None

    def rows(self, title: str, first: str) -> list[Json]:
        """Return the rows of a table that have this column, its highest values first."""
        refs = [target["refId"] for target in self.panel(title)["targets"]]
        rows = merged({ref: self.frames[title, ref] for ref in refs})
        return sorted((row for row in rows if first in row), key=lambda row: -float(row[first]))

    def panel(self, title: str) -> Json:
        """Return a panel."""
        return next(panel for panel in panels(self.board) if panel["title"] == title)


async def _result(prometheus: Prometheus, expression: str, instant: bool) -> Frame:
    if instant:
        answer = await prometheus.post("query", query=expression, time=str(END))
    else:
        span = {"start": str(END - RANGE), "end": str(END), "step": str(STEP)}
        answer = await prometheus.post("query_range", query=expression, **span)
    result: Frame = answer["result"]
    return result
