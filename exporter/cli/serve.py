"""`serve`: poll the API and serve metrics until a signal."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from exporter import __version__, app, log
from exporter.cli import flags
from exporter.config import Config, Key, label_collisions, proxy_secrets, read_key, resolve
from exporter.errors import ConfigError, ListenError
from exporter.log import Redactor
from exporter.log_queue import LineQueue

_log = structlog.get_logger()


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `serve`."""
    flags.add_version(parser)
    flags.add_config_file(parser)
    flags.add_listen_addresses(parser, flags.DEFAULT_ADDRESS)
    parser.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        type=flags.telemetry_path,
        default="/metrics",
        metavar="PATH",
        help="path of the metrics (default: /metrics)",
    )
    flags.add_logging(parser)


def command(options: argparse.Namespace) -> int:
    """Run `serve`, and return 0 after a signal. Raises ConfigError and ListenError."""
    config, source = resolve(options.config_file, os.environ, flags.working_folder())
    with logging_set_up(options) as (redactor, lines):
        keys = read_keys(config, os.environ, redactor)
        accounts = len(config.accounts)
        _log.info("exporter_started", version=__version__, config=source, accounts=accounts)
        for found in label_collisions(config):
            _log.warning(
                "label_collision_found",
                account=found.account,
                label=found.label,
                agents=found.agents,
                problem=str(found),
            )
        run_options = app.Options(
            options.listen_addresses,
            options.telemetry_path,
            log_lines_dropped=lambda: lines.dropped,
        )
        asyncio.run(app.run_until_signal(app.run(config, keys, run_options)))
        _log.info("exporter_stopped")
    return 0


def read_keys(config: Config, environ: Mapping[str, str], redactor: Redactor) -> dict[str, Key]:
    """Return the API keys by account name. Raises ConfigError.

    The redactor gets every key, and every secret about a proxy.
    """
    for account in config.accounts:
        for secret in proxy_secrets(account, environ):
            redactor.add(secret)
    return {
        account.name: read_key(account, environ, lambda key: redactor.add(key.reveal()))
        for account in config.accounts
    }


@contextmanager
def logging_set_up(options: argparse.Namespace) -> Iterator[tuple[Redactor, LineQueue]]:
    """Configure logging as the flags say; yield the redactor, to which secrets are added.

    Also yields the queue of the lines: they are written before the message of an error is.
    """
    redactor = Redactor()
    lines = log.configure(options.log_level, options.log_format, redactor)
    sys.excepthook = log.report_crash
    for variable, problem in options.ignored.items():
        _log.warning("environment_variable_ignored", variable=variable, problem=problem)
    try:
        yield redactor, lines
    except (ConfigError, ListenError):
        lines.wait_until_written()
        raise
