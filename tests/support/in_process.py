"""The exporter in the process of the test, on an event loop with virtual time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import aiohttp
from aiohttp import hdrs

from exporter import app
from exporter.config import Config, Key
from exporter.web.address import Address
from tests.support.process import samples
from tests.support.virtual import VirtualLoop


@asynccontextmanager
async def exporter_running(
    loop: VirtualLoop, config: Config, keys: Mapping[str, Key]
) -> AsyncIterator[str]:
    """Run the exporter with the loop's clock, and yield its base URL. `keys` are by account."""
    listening: asyncio.Future[list[Address]] = loop.create_future()
    options = app.Options(
        (Address("127.0.0.1", 0),), clock=loop.wall_clock, on_listening=listening.set_result
    )
    running = asyncio.create_task(app.run(config, keys, options))
    try:
        running.add_done_callback(lambda _: listening.cancel())
        yield f"http://{(await listening)[0]}"
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def scrape(base_url: str) -> dict[str, float]:
    """Return the samples of one scrape.

    It is not compressed: compression runs in a thread, for which virtual time does not wait.
    """
    headers = {hdrs.ACCEPT_ENCODING: "identity"}
    async with aiohttp.request("GET", f"{base_url}/metrics", headers=headers) as response:
        assert response.status == 200
        return samples(await response.text())
