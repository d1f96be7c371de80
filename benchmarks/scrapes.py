"""Wall time of scrapes over HTTP, contestants in turns."""

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
"""Rounds of what takes milliseconds."""


class Scrapes(NamedTuple):
    """Median seconds of a scrape, sizes of the gzip pages, and our memory a batch, in bytes.

    `sending` is ours and the finished body, in turns of their own: they are so fast that what
    another contestant does after its answer would be seen in them.
    """

    sending: Seconds
    gzip: Seconds
    plain: Seconds
    sizes: Mapping[str, int]
    memory: float


def measure(batches: int, rounds: int) -> Scrapes:
    """Measure every contestant with so many batches."""
    with ExitStack() as stack:
        ours = stack.enter_context(contestant("ours", batches))
        page = client.body(ours.port, "/metrics", "gzip")
        resident = ours.resident()
        file = stack.enter_context(tempfile.NamedTemporaryFile())
        file.write(page)
        file.flush()
        servers = {"ours": ours}
        finished = stack.enter_context(contestant("finished", batches, file.name))
        sending, _ = _in_turns({"ours": ours, "finished": finished}, "gzip", LIGHT_ROUNDS)
        servers["prometheus_client"] = stack.enter_context(contestant("prometheus_client", batches))
        if pushgateway.installed():
            text = zlib.decompress(page, zlib.MAX_WBITS | 16)
            servers["client_golang"] = stack.enter_context(pushgateway.loaded(text))
        gzip, sizes = _in_turns(servers, "gzip", rounds)
        # Last: so large a page leaves our allocator otherwise than a life of gzip would.
        plain, _ = _in_turns(servers, "identity", rounds)
    return Scrapes(sending, gzip, plain, sizes, (resident - _empty()) / batches)


def _empty() -> int:
    """Return the memory that our process takes without a batch."""
    with contestant("ours", 0) as empty:
        client.scrape(empty.port, "gzip")
        return empty.resident()


def _in_turns(
    servers: Mapping[str, Server], encoding: str, rounds: int
) -> tuple[Seconds, Mapping[str, int]]:
    """Return median seconds and bytes; a round before the first is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in servers}
    sizes = {}
    for number in range(rounds + 1):
        for name, server in servers.items():
            settle(servers.values())
            answer = client.scrape(server.port, encoding)
            sizes[name] = answer.size
            if number:
                seconds[name].append(answer.seconds)
    return {name: median(each) for name, each in seconds.items()}, sizes
