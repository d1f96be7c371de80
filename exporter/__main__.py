"""The program: `python -m exporter`, and the command `ultravox-batch-exporter`."""

import os
import signal
import sys

ASKING = {"check", "healthcheck"}
"""Commands whose end without an answer is no success. The others end well when told to end."""


def main() -> int:
    """Run the command line and return the exit status."""
    if ASKING.isdisjoint(sys.argv[1:2]):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os._exit(0))
    # The import takes a good part of a second: a signal must end the program during it.
    from exporter.cli import main as run  # noqa: PLC0415 - after the signal handlers

    return run()


if __name__ == "__main__":
    sys.exit(main())
