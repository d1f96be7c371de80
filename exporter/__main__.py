"""The program: `python -m exporter`, and the command `ultravox-batch-exporter`.

It prepares what it inherits from the program that starts it (environment, streams, signals), before
any library is imported that would fail.
"""

import os
import signal
import sys
from collections.abc import MutableMapping
from pathlib import Path

ANSWERING = {"check", "healthcheck"}
"""Commands that fail when a signal ends them before their answer. The others then exit with 0."""

MULTIPROCESS = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")
"""Variables with which prometheus_client keeps each metric in a file, for several processes. It
reads them while it is imported, so they must be gone by then. The exporter is one process."""

KEY_LOG = "SSLKEYLOGFILE"
"""The variable with which Python's TLS writes its keys to a file. aiohttp's import fails if it
can't be written."""


def main() -> int:
    """Run the command line and return the exit status."""
    open_streams()
    ignored = without_harmful_variables(os.environ)
    if ANSWERING.isdisjoint(sys.argv[1:2]):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os._exit(0))
        # SIGHUP waits until the event loop can log it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    # The import takes up to a second. A signal must end the program during that time, too.
    from exporter.cli import main as run  # noqa: PLC0415 - after the signal handlers, see above

    return run(ignored=ignored)


def open_streams() -> None:
    """Open the standard streams that are closed: what is written to them is discarded.

    Otherwise a socket would get the number of the closed stream.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # Python has no object for a stream that was closed at its start.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end


def without_harmful_variables(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Remove variables that keep libraries from starting; return the problem of each to report."""
    for name in MULTIPROCESS:
        environ.pop(name, None)
    path = environ.get(KEY_LOG)
    if not path:
        return {}
    try:
        # Without O_NONBLOCK, a pipe that no program reads would block the start.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
        os.close(os.open(path, flags, mode=0o600))
    except OSError as error:
        del environ[KEY_LOG]
        return {KEY_LOG: f"the file can't be written: {error.strerror}"}
    return {}


if __name__ == "__main__":
    sys.exit(main())
