"""Real programs read a compressed exposition completely, not only its beginning."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.simulator import Simulator
from tests.support.process import FREE_PORT, Process, started, write_config
from tests.support.programs import require

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
async def exporter(
    tmp_path: Path, simulator: Simulator, base_url: str
) -> AsyncIterator[tuple[Process, set[str]]]:
    """Start an exporter of an account with 1,500 batches; yield it when ready, and their ids."""
    agents = [simulator.add_agent() for _ in range(3)]
    ids = {simulator.create(agent, total_count=9) for agent in agents for _ in range(500)}
    path = write_config(tmp_path, base_url, simulator.api_key, account={"discover": {}})
    async with started(f"--config.file={path}", FREE_PORT) as process:
        await process.ready()
        yield process, ids


def batch_ids(exposition: bytes) -> set[str]:
    """Return the ids of the batches in one of the last families."""
    return set(re.findall(r'ultravox_batch_info{[^}]*batch_id="(.*?)"', exposition.decode()))


async def output_of(*command: str | Path) -> bytes:
    """Run a program until it ends, and return its output."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, command
    return out


@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
async def test_curl_and_gzip_and_python_read_one_whole_member(
    tmp_path: Path, exporter: tuple[Process, set[str]], accept: str
) -> None:
    (process, ids), file = exporter, tmp_path / "exposition.gz"
    curl = (require("curl"), "--silent", "--fail", "--header", f"Accept: {accept}")
    exposition = await output_of(*curl, "--compressed", await process.url())
    assert batch_ids(exposition) == ids
    assert exposition.endswith(b"# EOF\n") is (accept == OPENMETRICS)
    file.write_bytes(
        await output_of(*curl, "--header", "Accept-Encoding: gzip", await process.url())
    )
    await output_of(require("gzip"), "--test", file)
    assert batch_ids(gzip.decompress(file.read_bytes())) == ids


async def test_chromium_shows_the_whole_exposition(
    tmp_path: Path, exporter: tuple[Process, set[str]]
) -> None:
    process, ids = exporter
    switches = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
        " --disable-background-networking --disable-component-update --dump-dom"
    )
    shown = await output_of(
        require("chromium"),
        *switches.split(),
        f"--user-data-dir={tmp_path / 'profile'}",
        await process.url(),
    )
    assert batch_ids(shown) == ids
    assert b"process_start_time_seconds" in shown
