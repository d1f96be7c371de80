"""The contestant client_golang: prometheus-pushgateway, loaded with our exposition."""

import http.client
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.processes import Server, running

PROGRAM = "prometheus-pushgateway"

PROCESS_METRICS = b"# HELP process_"
"""The beginning of the metrics about our process: the program has such metrics itself."""

START_LIMIT = 10.0
"""Seconds until the program must listen."""

PUSH_LIMIT = 600.0
"""Seconds until the program must have accepted an exposition."""


def installed() -> bool:
    """Return whether the program is installed."""
    return shutil.which(PROGRAM) is not None


@contextmanager
def loaded(exposition: bytes) -> Iterator[Server]:
    """Run the program with the batches, agents and accounts of our exposition."""
    port = _free_port()
    command = [
        shutil.which(PROGRAM) or PROGRAM,
        f"--web.listen-address=127.0.0.1:{port}",
        # Nothing is written to the disk.
        "--persistence.file=",
        "--log.level=error",
    ]
    with running(command) as process:
        _wait(port)
        _push(port, exposition[: exposition.index(PROCESS_METRICS)])
        yield Server(process.pid, port)


def _push(port: int, text: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PUSH_LIMIT)
    connection.request("PUT", "/metrics/job/benchmark", text)
    response = connection.getresponse()
    message = response.read()
    connection.close()
    if response.status != http.client.OK:
        raise RuntimeError(f"{PROGRAM} refused the exposition: {message[:300]!r}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait(port: int) -> None:
    until = time.monotonic() + START_LIMIT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
