"""Wall time of scrapes over HTTP, contestants measured alternately; memory per batch."""

import tempfile
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

from benchmarks import client, pushgateway
from benchmarks.processes import Server, contestant, settle

Seconds = Mapping[str, float]
"""By contestant; one that could not be measured is missing."""

LIGHT_ROUNDS = 30
"""Rounds of measurements that take milliseconds."""


class Scrapes(NamedTuple):
    """Median seconds of a scrape, sizes of the gzip responses, our memory per batch, in bytes.

    `sending` compares ours and the finished body in rounds without other contestants: both are so
    fast that the work of another contestant after its response would change the result.
    """

    sending: Seconds
    gzip: Seconds
    plain: Seconds
    sizes: Mapping[str, int]
    memory: float


def measure(batches: int, rounds: int) -> Scrapes:
    """Return the measurements of every contestant with this number of batches."""
    with ExitStack() as stack:
        ours = stack.enter_context(contestant("ours", batches))
        exposition = client.body(ours.port, "/metrics", "gzip")
        resident = ours.resident()
        file = stack.enter_context(tempfile.NamedTemporaryFile())
        file.write(exposition)
        file.flush()
        servers = {"ours": ours}
        finished = stack.enter_context(contestant("finished", batches, file.name))
        sending, _ = _alternately({"ours": ours, "finished": finished}, "gzip", LIGHT_ROUNDS)
        servers["prometheus_client"] = stack.enter_context(contestant("prometheus_client", batches))
        if pushgateway.installed():
            text = zlib.decompress(exposition, zlib.MAX_WBITS | 16)
            servers["client_golang"] = stack.enter_context(pushgateway.loaded(text))
        gzip, sizes = _alternately(servers, "gzip", rounds)
        # Last: responses without compression change our allocator's state; gzip is the usual case.
        plain, _ = _alternately(servers, "identity", rounds)
    return Scrapes(sending, gzip, plain, sizes, (resident - _empty()) / batches)


def _empty() -> int:
    """Return the resident memory of our process without batches, in bytes."""
    with contestant("ours", 0) as empty:
        client.scrape(empty.port, "gzip")
        return empty.resident()


def _alternately(
    servers: Mapping[str, Server], encoding: str, rounds: int
) -> tuple[Seconds, Mapping[str, int]]:
    """Return median seconds and bytes; one round before the others is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in servers}
    sizes = {}
    for number in range(rounds + 1):
        for name, server in servers.items():
            settle(servers.values())
            response = client.scrape(server.port, encoding)
            sizes[name] = response.size
            if number:
                seconds[name].append(response.seconds)
    return {name: median(each) for name, each in seconds.items()}, sizes
