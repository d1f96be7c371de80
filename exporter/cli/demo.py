"""A simulated account and the exporter on it, in one process."""

import argparse
import asyncio
import sys

from exporter import app
from exporter.cli.serve import set_up_logging
from exporter.config import Account, Config, Discover, Key, Polling, Secret
from exporter.simulator import Simulator, demo_account, serve
from exporter.web.address import Address

KEY_VARIABLE = "ULTRAVOX_SIMULATOR_KEY"


def command(options: argparse.Namespace) -> int:
    """Run `demo`. Raises ListenError."""
    simulator = Simulator(demo_account(), speed=options.speed)
    redactor = set_up_logging(options)
    redactor.add(simulator.api_key)
    keys = {"demo": Key("demo", Secret(simulator.api_key))}
    asyncio.run(app.run_until_signal(_run(simulator, keys, options.listen_addresses)))
    return 0


def configuration(base_url: str) -> Config:
    """Return what the demo polls: every simulated agent, often, since it costs nobody anything."""
    account = Account(
        "demo",
        base_url=base_url,
        requests_per_second=100.0,
        api_key_env=KEY_VARIABLE,
        discover=Discover(),
    )
    return Config((account,), polling=Polling(interval=5.0, idle_interval=10.0))


async def _run(simulator: Simulator, keys: dict[str, Key], addresses: tuple[Address, ...]) -> None:
    async with serve(simulator) as base_url:
        options = app.Options(addresses, on_listening=lambda at: _announce(base_url, at))
        await app.run(configuration(base_url), keys, options)


def _announce(base_url: str, addresses: list[Address]) -> None:
    sys.stdout.write(f"simulated Ultravox API   {base_url}\n")
    for address in addresses:
        sys.stdout.write(f"metrics                  http://{address.reached_by()}/metrics\n")
    sys.stdout.write("Ctrl-C ends both.\n")
    sys.stdout.flush()
