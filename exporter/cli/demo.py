"""`demo`: a simulated account and the exporter that polls it, in one process."""

import argparse
import asyncio
from collections.abc import Iterator
from dataclasses import replace

import structlog

from exporter import app
from exporter.cli import flags, output
from exporter.cli.serve import logging_set_up
from exporter.config import Account, Batches, Config, Discover, Key, Polling, Secret
from exporter.errors import OutputError
from exporter.simulator import Simulator, curl_examples, demo_account, serve
from exporter.web.address import Address

_log = structlog.get_logger()

KEY_VARIABLE = "ULTRAVOX_SIMULATOR_KEY"

KEEP_ENDED = 86_400.0
"""Seconds: some of the demo's campaigns ended long before its start, and are there to be seen."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `demo`."""
    parser.add_argument(
        "--speed",
        type=flags.speed,
        default=1.0,
        metavar="N",
        help="speed of the simulated campaigns, as a multiple of real time (default: 1)",
    )
    flags.add_listen_addresses(parser, Address("127.0.0.1", flags.DEFAULT_ADDRESS.port))
    flags.add_logging(parser)


def command(options: argparse.Namespace) -> int:
    """Run `demo`, and return 0 after a signal. Raises ListenError."""
    simulator = Simulator(demo_account(), speed=options.speed)
    with logging_set_up(options) as (redactor, lines):
        redactor.add(simulator.api_key)
        run_options = app.Options(options.listen_addresses, log_lines_dropped=lambda: lines.dropped)
        asyncio.run(app.run_until_signal(_run(simulator, run_options)))
    return 0


def configuration(base_url: str) -> Config:
    """Return a configuration that polls every simulated agent often: requests cost nothing here."""
    account = Account(
        "demo",
        base_url=base_url,
        requests_per_second=100.0,
        api_key_env=KEY_VARIABLE,
        discover=Discover(),
    )
    polling = Polling(interval=5.0, idle_interval=10.0)
    return Config((account,), polling, Batches(keep_ended=KEEP_ENDED))


async def _run(simulator: Simulator, options: app.Options) -> None:
    keys = {"demo": Key("demo", Secret(simulator.api_key))}
    async with serve(simulator) as base_url:

        def print_addresses(listening: list[Address]) -> None:
            lines = _introduction(base_url, simulator.api_key, listening)
            try:
                output.write("".join(f"{line}\n" for line in lines))
            except OutputError as error:
                # The log has the address, so the demo goes on.
                _log.warning("addresses_not_printed", problem=str(error))

        # Not when the exporter listens: the log lines of the first polls would hide the addresses.
        ready = replace(options, on_ready=print_addresses)
        await app.run(configuration(base_url), keys, ready)


def _introduction(base_url: str, api_key: str, listening: list[Address]) -> Iterator[str]:
    """Yield the lines that say where everything is and how to use it."""
    yield ""
    yield f"simulated Ultravox API   {base_url}"
    yield from curl_examples(base_url, api_key).splitlines()
    for address in listening:
        yield f"metrics                  http://{address.reached_by()}/metrics"
    yield "Press Ctrl-C to stop both."
