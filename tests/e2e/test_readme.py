"""The queries of README.md, asked of a real Prometheus that scrapes the demo."""

import re
import time
from pathlib import Path

from tests.support.process import FREE_PORT, started
from tests.support.prometheus import scraping
from tools.docs.pages import ROOT

PAUSED = "# paused batches by"
"""The beginning of the queries that count the paused batches."""


def queries() -> list[str]:
    """Return the queries. A blank line separates two of them; each begins with a comment."""
    _, _, block = (ROOT / "README.md").read_text("utf-8").partition("```promql\n")
    return re.split(r"\n{2,}", block.partition("```")[0].strip())


async def test_each_query_is_answered_and_paused_batches_are_counted(tmp_path: Path) -> None:
    """The demo has paused batches; counted by agent and by account they have the same sum."""
    async with started("demo", FREE_PORT) as exporter:
        await exporter.ready()
        target = (await exporter.url("")).removeprefix("http://")
        async with scraping(target, tmp_path) as prometheus:
            await prometheus.until('sum(ultravox_agent_batches{state="paused"}) > 0')
            now = f"{time.time():.3f}"
            counted = []
            for query in ('sum(ultravox_agent_batches{state="paused"})', *queries()):
                answer = await prometheus.get("query", query=query, time=now)
                if query.startswith(("sum(", PAUSED)):
                    counted.append(sum(float(each["value"][1]) for each in answer["result"]))
    assert counted[0] > 0
    assert counted == [counted[0]] * 3
