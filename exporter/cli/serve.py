"""Poll and serve until told to end."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import structlog

from exporter import __version__, app, log
from exporter.config import Config, Key, read_key, resolve
from exporter.log import Redactor

_log = structlog.get_logger()


def command(options: argparse.Namespace) -> int:
    """Run `serve`. Raises ConfigError and ListenError."""
    config, source = resolve(options.config_file, os.environ, Path.cwd())
    keys = read_keys(config, os.environ, set_up_logging(options))
    _log.info("starting", version=__version__, config=source, accounts=len(config.accounts))
    run_options = app.Options(options.listen_addresses, options.telemetry_path)
    asyncio.run(app.run_until_signal(app.run(config, keys, run_options)))
    _log.info("stopped")
    return 0


def read_keys(config: Config, environ: Mapping[str, str], redactor: Redactor) -> dict[str, Key]:
    """Return the keys by account, each made known to the redactor. Raises ConfigError."""
    return {
        account.name: read_key(account, environ, lambda key: redactor.add(key.reveal()))
        for account in config.accounts
    }


def set_up_logging(options: argparse.Namespace) -> Redactor:
    """Log as the flags say; what is added to the redactor is let through no more."""
    redactor = Redactor()
    log.configure(options.log_level, options.log_format, redactor)
    sys.excepthook = log.report_crash
    return redactor
