"""Many agents whose responses are too large: the process stays small."""

import gzip
import json
from pathlib import Path

import pytest
import yaml

from tests.support.answering import responding
from tests.support.process import FREE_PORT, started

MIB = 2**20
LIMIT = 64 * MIB
"""Bytes of memory that large bodies may take, whatever the number of agents and accounts."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"


def bomb() -> bytes:
    """Return a response of 1 MiB that is 1 GiB when it is decompressed."""
    body = gzip.compress(b" " * MIB, mtime=0) * 1024
    return HEAD % len(body) + b"Content-Encoding: gzip\r\n\r\n" + body


def large() -> bytes:
    """Return a valid page of 16 MiB, not compressed."""
    record = {"batchId": "b", "created": "2025-03-22T15:48:32Z", "totalCount": 1, "endedAt": None}
    page = {"results": [record | {"completedCount": 0}] * 130_000, "next": None}
    body = json.dumps(page).encode()
    return HEAD % len(body) + b"\r\n" + body


@pytest.mark.parametrize("response", [bomb(), large()], ids=["gzip bomb", "large"])
async def test_bodies_that_are_too_large_take_little_memory(
    tmp_path: Path, response: bytes
) -> None:
    """60 agents in 6 accounts are polled twice. None of their bodies is kept."""
    memory, failures = "process_resident_memory_bytes", "ultravox_agent_poll_failures_total"
    async with responding(response) as address:
        accounts = [
            {
                "name": f"account-{number}",
                "base_url": f"http://{address}",
                "api_key_env": "API_KEY",
                "requests_per_second": 200,
                "agents": [{"id": f"agent-{number}-{each}"} for each in range(10)],
            }
            for number in range(6)
        ]
        polling = {"interval": "1s", "idle_interval": "1s", "timeout": "60s"}
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump({"accounts": accounts, "polling": polling}))
        async with started(f"--config.file={path}", FREE_PORT, env={"API_KEY": "k"}) as exporter:
            before = most = (await exporter.scrape())[memory]

            def polled_twice(found: dict[str, float]) -> bool:
                nonlocal most
                most = max(most, found[memory])
                failed = [
                    value
                    for key, value in found.items()
                    if key.startswith(failures) and 'reason="payload"' in key
                ]
                assert len(failed) == 60
                return min(failed) >= 2

            await exporter.until(polled_twice)
            assert (await exporter.get("/-/healthy"))[0] == 200
    assert most - before < LIMIT
