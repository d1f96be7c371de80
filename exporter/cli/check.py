"""The configuration, judged, and what it would poll."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from exporter.config import Account, Config, resolve
from exporter.config.durations import render as duration
from exporter.errors import ConfigError


def command(options: argparse.Namespace) -> int:
    """Print every problem and raise ConfigError, or print what would be polled and return 0."""
    try:
        config, source = resolve(options.config_file, os.environ, Path.cwd())
    except ConfigError as error:
        if not options.json:
            raise
        _print_json({"valid": False, "problems": error.problems})
        return 2
    if options.json:
        _print_json({"valid": True, "source": source, "config": config})
    else:
        sys.stdout.write("".join(f"{line}\n" for line in described(config, source)))
    return 0


def _print_json(answer: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")


def described(config: Config, source: str) -> Iterator[str]:
    """Yield, line by line, what the configuration makes the exporter do."""
    yield f"{source}: valid"
    for account in config.accounts:
        yield from _account(account)
    polling, batches = config.polling, config.batches
    yield (
        f"polls: each agent every {duration(polling.interval)} while it has live batches, every"
        f" {duration(polling.idle_interval)} otherwise; {duration(polling.timeout)} for one poll"
    )
    yield f"data:  withdrawn when older than {duration(polling.stale_after)}"
    series = (
        f"series of up to {batches.max_per_agent} batches an agent"
        if batches.per_batch_series
        else "no series of single batches"
    )
    yield f"shown: {series}; ended batches for {duration(batches.keep_ended)}"


def _account(account: Account) -> Iterator[str]:
    rate = f"{account.requests_per_second:g} requests a second at most"
    yield f"account {account.name}: {account.base_url}, {rate}"
    for agent in account.agents:
        name = agent.name or "named by the API"
        yield f"  agent {agent.id} ({name})"
    if (discover := account.discover) is not None:
        include = " ".join(discover.include)
        exclude = f" but not {' '.join(discover.exclude)}" if discover.exclude else ""
        every = duration(discover.interval)
        yield f"  every agent that matches {include}{exclude}, looked for every {every}"
