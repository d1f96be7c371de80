"""The ratios as Markdown, and the machine on which they were measured."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from benchmarks.event_loop import Delays
from benchmarks.processor import Processor
from benchmarks.pushgateway import PROGRAM
from benchmarks.scrapes import Scrapes, Seconds

MISSING = "not measured"


class Column(NamedTuple):
    """The measurements with one number of batches."""

    batches: int
    scrapes: Scrapes
    processor: Processor
    delays: Delays


Cell: TypeAlias = Callable[[Column], str]

ROWS: Sequence[tuple[str, str, Cell]] = (
    (
        "scrape, gzip, vs prometheus_client",
        "150 times faster",
        lambda column: _faster(column.scrapes.gzip, "prometheus_client"),
    ),
    (
        "scrape, gzip, vs client_golang",
        "50 times faster",
        lambda column: _faster(column.scrapes.gzip, "client_golang"),
    ),
    (
        "scrape, plain, vs client_golang",
        "10 times faster",
        lambda column: _faster(column.scrapes.plain, "client_golang"),
    ),
    (
        "poll and scrape, every batch changed, processor time, vs prometheus_client",
        "10 times less",
        lambda column: _times(column.processor.ours, column.processor.prometheus_client),
    ),
    (
        "rendering after a poll that changed 1 % of agents, vs rendering everything",
        "20 times less",
        lambda column: _times(column.processor.one_percent, column.processor.everything),
    ),
    (
        "scrape, gzip, vs sending a finished body",
        "at most 5 times slower, at 100,000",
        lambda column: _slower(column.scrapes.sending, "finished"),
    ),
    (
        "longest delay of the event loop, polled and scraped",
        "median below 30 ms, at 100,000",
        lambda column: _delays(column.delays),
    ),
    (
        "resident memory per batch",
        "below 1.5 KiB, at 100,000",
        lambda column: f"{column.scrapes.memory / 1024:.2f} KiB",
    ),
    (
        "size of the response, gzip: ours, prometheus_client, client_golang",
        "",
        lambda column: _sizes(column.scrapes.sizes),
    ),
)


def markdown(columns: Sequence[Column]) -> str:
    """Return the table, one column for each number of batches."""
    head = ["", "aim", *(f"{column.batches:,} batches" for column in columns)]
    lines = [head, ["---"] * len(head)]
    lines += [[name, aim, *(cell(column) for column in columns)] for name, aim, cell in ROWS]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def machine() -> str:
    """Return two lines: the machine, and the versions."""
    info = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    model = next((line.partition(": ")[2] for line in info if line.startswith("model name")), "?")
    names = ("aiohttp", "prometheus_client", "isal", "msgspec")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in names]
    return (
        f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n"
        f"Python {platform.python_version()}, {', '.join(versions)}, {_pushgateway()}\n"
    )


def _pushgateway() -> str:
    path = shutil.which(PROGRAM)
    if path is None:
        return f"{PROGRAM} is not installed"
    output = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)  # noqa: S603 - a constant name
    version = (output.stdout or output.stderr).partition(" (")[0].replace(",", "")
    go = (output.stdout + output.stderr).partition("go version:")[2].split()
    return f"{version} ({go[0]})" if go else version


def _faster(seconds: Seconds, other: str) -> str:
    return _times(seconds["ours"], seconds[other]) if other in seconds else MISSING


def _slower(seconds: Seconds, other: str) -> str:
    return _times(seconds[other], seconds["ours"])


def _times(low: float, high: float) -> str:
    return f"**{high / low:.1f}x** ({_milliseconds(low)} : {_milliseconds(high)} ms)"


def _delays(delays: Delays) -> str:
    return (
        f"**{_milliseconds(delays.median)} ms** (of processor time"
        f" {_milliseconds(delays.processor)} ms; at most {_milliseconds(delays.longest)} ms;"
        f" {delays.scrapes} scrapes)"
    )


def _sizes(sizes: Mapping[str, int]) -> str:
    names = ("ours", "prometheus_client", "client_golang")
    return " : ".join(f"{sizes[name] / 2**20:.2f}" if name in sizes else "?" for name in names) + (
        " MiB"
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3g}" if seconds < 1 else f"{seconds * 1000:.0f}"
