"""A Prometheus that has a history and scrapes nothing. Programs are names or paths."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

READY_WITHIN = 30.0
"""Seconds after which a Prometheus that is not ready is a failure."""


class Prometheus:
    """The HTTP API of a running Prometheus."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def query(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON of many shapes
        """Return the data of one query. It is a POST: some queries are too long for a URL."""
        url = f"{self._url}/api/v1/{path}"
        async with self._session.post(url, data=parameters) as response:
            answer = await response.json()
            assert answer["status"] == "success", (answer, parameters)
            return answer["data"]

    async def is_ready(self) -> bool:
        """Return whether Prometheus answers queries."""
        try:
            async with self._session.get(f"{self._url}/-/ready") as response:
                return response.ok
        except aiohttp.ClientConnectionError:
            return False


async def create_data(promtool: str, samples: Path, data: Path) -> None:
    """Create the data folder of a Prometheus from samples with timestamps, in OpenMetrics."""
    process = await asyncio.create_subprocess_exec(
        promtool,
        # One block: promtool reads all samples once per block.
        *("tsdb", "create-blocks-from", "--max-block-duration=168h", "openmetrics"),
        *(samples, data),
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0


@asynccontextmanager
async def running(prometheus: str, data: Path) -> AsyncIterator[Prometheus]:
    """Run a Prometheus on this data folder until the end of the context."""
    config, address = data.with_name("prometheus.yml"), _free_address()
    config.write_text("{}")
    flags = (f"--config.file={config}", f"--storage.tsdb.path={data}", "--log.level=warn")
    process = await asyncio.create_subprocess_exec(
        prometheus, f"--web.listen-address={address}", *flags
    )
    try:
        async with aiohttp.ClientSession() as session:
            started = Prometheus(f"http://{address}", session)
            async with asyncio.timeout(READY_WITHIN):
                while not await started.is_ready():  # noqa: ASYNC110 - another process sets no event
                    await asyncio.sleep(0.1)
            yield started
    finally:
        process.terminate()
        await process.wait()


def _free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"
