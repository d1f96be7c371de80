"""The program with few descriptors, and clients that send nothing or do not read."""

import socket
from contextlib import ExitStack
from pathlib import Path

from yarl import URL

from exporter.simulator import Simulator
from tests.support.process import FREE_PORT, Process, eventually, started, write_config

DESCRIPTORS = 256
SILENT = 300
"""Connections without a request: more than there are descriptors."""

SLOW = 40
SMALL = 4096
"""Bytes that the system keeps for a client that does not read."""

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n\r\n"


async def open_clients(stack: ExitStack, process: Process, number: int, sent: bytes) -> None:
    """Open connections, send bytes on each, and read nothing; `stack` closes them."""
    url = URL(await process.url())
    for _ in range(number):
        client = stack.enter_context(socket.socket())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        client.connect((url.host, url.port))
        client.sendall(sent)


async def test_scrapes_and_polls_go_on_while_many_clients_send_nothing_or_do_not_read(
    tmp_path: Path, simulator: Simulator, base_url: str
) -> None:
    agent = simulator.add_agent()
    for _ in range(2000):
        simulator.create(agent, total_count=9)
    account, polling = {"agents": [{"id": agent}]}, {"interval": "1s"}
    path = write_config(tmp_path, base_url, simulator.api_key, account=account, polling=polling)
    with ExitStack() as stack:
        async with started(f"--config.file={path}", FREE_PORT, descriptors=DESCRIPTORS) as process:
            await process.ready()
            for sent in (b"", b"GET /met"):
                await open_clients(stack, process, SILENT // 2, sent)
            await open_clients(stack, process, SLOW, REQUEST)
            (polls,) = polls_of(await process.scrape())
            await process.until(lambda found: polls_of(found)[0] > polls + 2)
            limited = "event=connection_limit_reached"
            await eventually(lambda: limited in process.err, process.describe)
            assert process.err.count(limited) == 1
            assert process.err.count("level=warning") == 1


def polls_of(found: dict[str, float]) -> list[float]:
    """Return the number of polls of each agent."""
    return [value for name, value in found.items() if name.startswith("ultravox_agent_polls_total")]
