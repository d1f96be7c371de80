"""A real Prometheus with a port and a folder of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.support.process import PATIENCE
from tests.support.programs import require, serving

INTERVAL = 1.0
"""Seconds between two scrapes."""


class Prometheus:
    """A client of a running Prometheus' HTTP API."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON of many shapes
        """Return the data of one GET request."""
        async with self._session.get(f"{self._url}/api/v1/{path}", params=query) as response:
            answer = await response.json()
            assert answer["status"] == "success", answer
            return answer["data"]

    async def post(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON of many shapes
        """Return the data of one request whose query is too long for a URL."""
        async with self._session.post(f"{self._url}/api/v1/{path}", data=query) as response:
            answer = await response.json()
            assert answer["status"] == "success", (answer, query)
            return answer["data"]

    async def series(self, query: str) -> dict[str, float]:
        """Return an instant query's result by series, without the labels `job` and `instance`."""
        result = (await self.get("query", query=query))["result"]
        return {_series(each["metric"]): float(each["value"][1]) for each in result}

    async def until(self, query: str) -> dict[str, float]:
        """Query until there is a result, and return it."""
        async with asyncio.timeout(PATIENCE):
            while not (found := await self.series(query)):
                await asyncio.sleep(0.2)
        return found


def _series(metric: dict[str, str]) -> str:
    name = metric.pop("__name__", "")
    labels = ",".join(f'{key}="{metric[key]}"' for key in sorted(metric) if key not in _TARGET)
    return f"{name}{{{labels}}}"


_TARGET = ("job", "instance")


async def history(samples: Path, folder: Path) -> Path:
    """Write samples with timestamps (OpenMetrics) as data of a Prometheus; return its config."""
    process = await asyncio.create_subprocess_exec(
        require("promtool"),
        # One block only: promtool reads all samples once per block.
        *("tsdb", "create-blocks-from", "--max-block-duration=168h", "openmetrics"),
        *(samples, folder / "data"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
    return idle(folder)


def idle(folder: Path) -> Path:
    """Write the configuration of a Prometheus that scrapes nothing; return its path."""
    config = folder / "prometheus.yml"
    config.write_text("{}")
    return config


@asynccontextmanager
async def scraping(target: str, folder: Path) -> AsyncIterator[Prometheus]:
    """Run a Prometheus that scrapes `HOST:PORT`."""
    jobs = [{"job_name": "ultravox", "static_configs": [{"targets": [target]}]}]
    config = folder / "prometheus.yml"
    every = {"scrape_interval": f"{INTERVAL:g}s", "scrape_timeout": f"{INTERVAL:g}s"}
    config.write_text(yaml.safe_dump({"global": every, "scrape_configs": jobs}))
    async with configured(config) as prometheus:
        yield prometheus


@asynccontextmanager
async def configured(config: Path) -> AsyncIterator[Prometheus]:
    """Run a Prometheus with this configuration, and its data in the same folder."""
    flags = (f"--config.file={config}", f"--storage.tsdb.path={config.parent / 'data'}")
    async with serving("prometheus", *flags, "--log.level=warn") as (url, session):
        yield Prometheus(url, session)
