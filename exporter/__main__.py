"""The program: `python -m exporter`, and the command `ultravox-batch-exporter`."""

import os
import signal
import sys

ANSWERING = {"check", "healthcheck"}
"""Commands that fail when a signal ends them before their answer. The others then exit with 0."""


def main() -> int:
    """Run the command line and return the exit status."""
    if ANSWERING.isdisjoint(sys.argv[1:2]):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os._exit(0))
    # The import takes up to a second. A signal must end the program during that time, too.
    from exporter.cli import main as run  # noqa: PLC0415 - after the signal handlers, see above

    return run()


if __name__ == "__main__":
    sys.exit(main())
