"""How long the event loop is held up while agents are polled and pages are scraped."""

import json
import time
from statistics import median
from typing import NamedTuple

from benchmarks import client
from benchmarks.processes import contestant

SECONDS = 5.0
"""Of one run: every agent is polled about once."""


class Turns(NamedTuple):
    """The longest turn of each run in seconds of wall time: their median and the longest of all.

    And the median in seconds of processor time.
    """

    median: float
    longest: float
    processor: float
    scrapes: int


def measure(batches: int, runs: int) -> Turns:
    """Measure with so many batches."""
    with contestant("busy", batches) as server:
        _scrape_until(server.port, time.monotonic() + SECONDS)
        client.body(server.port, "/longest", "identity")
        figures, scrapes = [], 0
        for _ in range(runs):
            scrapes += _scrape_until(server.port, time.monotonic() + SECONDS)
            figures.append(json.loads(client.body(server.port, "/longest", "identity")))
    wall, processor = zip(*figures, strict=True)
    return Turns(median(wall), max(wall), median(processor), scrapes)


def _scrape_until(port: int, end: float) -> int:
    count = 0
    while time.monotonic() < end:
        client.scrape(port, "gzip")
        count += 1
    return count
