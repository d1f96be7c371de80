"""Starts programs and ends them."""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

IDLE = 0.05
"""Seconds without a tick of processor time, a hundredth of a second, that count as idle."""

SETTLED_BY = 10.0
"""Seconds after which a server is taken as it is."""


class Server(NamedTuple):
    """A process that answers at a port of 127.0.0.1."""

    pid: int
    port: int

    def resident(self) -> int:
        """Return the bytes of memory that the process has in RAM."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def ticks(self) -> int:
        """Return the processor time that the process has used, in the system's ticks."""
        stat = Path(f"/proc/{self.pid}/stat").read_text("ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return int(user) + int(system)


def settle(servers: Iterable[Server]) -> None:
    """Wait until all are idle: some free memory long after their answer has been read."""
    found, until = list(servers), time.monotonic() + SETTLED_BY
    while time.monotonic() < until:
        before = [server.ticks() for server in found]
        time.sleep(IDLE)
        if before == [server.ticks() for server in found]:
            return


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program, and end it at the end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - a command of ours
    with process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


@contextmanager
def contestant(name: str, batches: int, file: str = "") -> Iterator[Server]:
    """Run one of `benchmarks.serve`'s, filled and ready."""
    command = [sys.executable, "-m", "benchmarks.serve", name, str(batches), file]
    with running(command) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"{name} did not start")
        yield Server(process.pid, int(line))
