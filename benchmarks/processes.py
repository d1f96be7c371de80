"""Starts programs and ends them."""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

IDLE = 0.05
"""Seconds without a tick of processor time (10 ms) after which a process counts as idle."""

SETTLE_LIMIT = 10.0
"""Seconds to wait until all servers are idle."""


class Server(NamedTuple):
    """A process that listens on a port of 127.0.0.1."""

    pid: int
    port: int

    def resident(self) -> int:
        """Return the resident memory of the process, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def ticks(self) -> int:
        """Return the processor time that the process has used, in ticks of the system."""
        stat = Path(f"/proc/{self.pid}/stat").read_text("ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return int(user) + int(system)


def settle(servers: Iterable[Server]) -> None:
    """Wait until all servers are idle: some free memory long after the end of a response."""
    found, until = list(servers), time.monotonic() + SETTLE_LIMIT
    while time.monotonic() < until:
        before = [server.ticks() for server in found]
        time.sleep(IDLE)
        if before == [server.ticks() for server in found]:
            return


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program, and end it on exit."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - defined in this package
    with process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


@contextmanager
def contestant(name: str, batches: int, file: str = "") -> Iterator[Server]:
    """Run a contestant of `benchmarks.serve`, and yield it when it has its batches."""
    command = [sys.executable, "-m", "benchmarks.serve", name, str(batches), file]
    with running(command) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"{name} did not start")
        yield Server(process.pid, int(line))
