"""Prometheus, which scrapes the demo, answers every query of the runbooks."""

from pathlib import Path

import yaml

from tests.support.process import FREE_PORT, started
from tests.support.prometheus import INTERVAL, configured
from tests.support.runbooks import queries
from tools.docs.pages import ROOT


async def test_each_query_is_answered(tmp_path: Path) -> None:
    """The demo has the series that a match of many to many needs to fail."""
    rules = [str(ROOT / "prometheus" / "ultravox.rules.yml")]
    every = dict.fromkeys(("scrape_interval", "evaluation_interval"), f"{INTERVAL:g}s")
    async with started("demo", FREE_PORT) as exporter:
        await exporter.ready()
        target = (await exporter.url("")).removeprefix("http://")
        jobs = [{"job_name": "ultravox-batch-exporter", "static_configs": [{"targets": [target]}]}]
        config = tmp_path / "prometheus.yml"
        config.write_text(
            yaml.safe_dump({"global": every, "rule_files": rules, "scrape_configs": jobs})
        )
        async with configured(config) as prometheus:
            await prometheus.until('ALERTS{alertname="UltravoxBatchClosedWithCallsLeft"}')
            for _, query in queries():
                await prometheus.get("query", query=query)
