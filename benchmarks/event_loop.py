"""The longest delay of the event loop while agents are polled and the exporter is scraped."""

import json
import time
from statistics import median
from typing import NamedTuple

from benchmarks import client
from benchmarks.processes import contestant

SECONDS = 5.0
"""Length of one run: every agent is polled about once."""


class Delays(NamedTuple):
    """The longest delay of each run, in seconds.

    `median` and `longest` of the runs are in wall time, `processor` is their median in processor
    time. `scrapes` is the number of scrapes in all runs.
    """

    median: float
    longest: float
    processor: float
    scrapes: int


def measure(batches: int, runs: int) -> Delays:
    """Return the delays with this number of batches."""
    with contestant("busy", batches) as server:
        _scrape_until(server.port, time.monotonic() + SECONDS)
        client.body(server.port, "/longest", "identity")
        figures, scrapes = [], 0
        for _ in range(runs):
            scrapes += _scrape_until(server.port, time.monotonic() + SECONDS)
            figures.append(json.loads(client.body(server.port, "/longest", "identity")))
    wall, processor = zip(*figures, strict=True)
    return Delays(median(wall), max(wall), median(processor), scrapes)


def _scrape_until(port: int, end: float) -> int:
    count = 0
    while time.monotonic() < end:
        client.scrape(port, "gzip")
        count += 1
    return count
