"""The queries of the runbooks, asked of a real Prometheus that scrapes the demo."""

from pathlib import Path

import yaml

from tests.support.process import FREE_PORT, started
from tests.support.prometheus import INTERVAL, configured
from tests.support.runbooks import queries
from tools.docs.pages import ROOT


async def test_each_query_is_answered(tmp_path: Path) -> None:
    """With the demo's series, so that a match of many to many shows as well."""
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
