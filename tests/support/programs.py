"""Real programs: found, or the test is skipped with the name (failed under REQUIRE_E2E)."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.support.process import PATIENCE


def require(name: str) -> str:
    """Return the path of a program."""
    path = shutil.which(name)
    if path is not None:
        return path
    message = f"{name} is not installed"
    if os.environ.get("REQUIRE_E2E"):
        pytest.fail(f"{message}, and REQUIRE_E2E wants it")
    pytest.skip(message)


def require_3(name: str) -> str:
    """Return the path of one of Prometheus 3's programs: they lie in the folder $PROMETHEUS_3."""
    folder = os.environ.get("PROMETHEUS_3")
    if folder is None:
        return require(f"$PROMETHEUS_3/{name}")
    return require(f"{folder}/{name}")


def free_address() -> str:
    """Return a `HOST:PORT` on loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


async def finished(name: str, *arguments: str) -> tuple[int | None, str]:
    """Run a program to its end; return its status and all that it wrote."""
    process = await asyncio.create_subprocess_exec(
        require(name),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    written, _ = await process.communicate()
    return process.returncode, written.decode()


@asynccontextmanager
async def serving(name: str, *flags: str) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """Run a server of the Prometheus family on a free port; end it on leaving.

    Yield its base URL once it is ready, and a session.
    """
    address = free_address()
    process = await asyncio.create_subprocess_exec(
        require(name), f"--web.listen-address={address}", *flags
    )
    try:
        async with aiohttp.ClientSession() as session:
            url = f"http://{address}"
            await _ready(session, url)
            yield url, session
    finally:
        process.terminate()
        await process.wait()


async def _ready(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with session.get(f"{url}/-/ready") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)
