"""client_golang's page: prometheus-pushgateway, loaded with ours."""

import http.client
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.processes import Server, running

PROGRAM = "prometheus-pushgateway"

OWN = b"# HELP process_"
"""Where our page turns to the process itself: of that the program has its own."""

START = 10.0
"""Seconds that the program gets to listen."""

PUSH = 600.0
"""Seconds that it gets to take a page."""


def installed() -> bool:
    """Whether the program is there."""
    return shutil.which(PROGRAM) is not None


@contextmanager
def loaded(page: bytes) -> Iterator[Server]:
    """Run the program with our page's batches, agents and accounts."""
    port = _free_port()
    command = [
        shutil.which(PROGRAM) or PROGRAM,
        f"--web.listen-address=127.0.0.1:{port}",
        # Nothing is kept on the disk.
        "--persistence.file=",
        "--log.level=error",
    ]
    with running(command) as process:
        _wait(port)
        _push(port, page[: page.index(OWN)])
        yield Server(process.pid, port)


def _push(port: int, text: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PUSH)
    connection.request("PUT", "/metrics/job/benchmark", text)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"{PROGRAM} refused the page: {said[:300]!r}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait(port: int) -> None:
    until = time.monotonic() + START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
