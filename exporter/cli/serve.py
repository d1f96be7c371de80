"""Poll and serve until told to end."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import structlog

from exporter import __version__, app, log
from exporter.config import Config, Secret, read_key, resolve

_log = structlog.get_logger()


def command(options: argparse.Namespace) -> int:
    """Run `serve`. Raises ConfigError and ListenError."""
    config, source = resolve(options.config_file, os.environ, Path.cwd())
    keys = read_keys(config, os.environ)
    set_up_logging(options, keys)
    _log.info("starting", version=__version__, config=source, accounts=len(config.accounts))
    run_options = app.Options(options.listen_addresses, options.telemetry_path)
    asyncio.run(app.until_told(app.run(config, keys, run_options)))
    _log.info("stopped")
    return 0


def read_keys(config: Config, environ: Mapping[str, str]) -> dict[str, Secret]:
    """Return each account's key by the account's name. Raises ConfigError."""
    return {account.name: read_key(account, environ) for account in config.accounts}


def set_up_logging(options: argparse.Namespace, keys: Mapping[str, Secret]) -> None:
    """Log as the flags say, and let no key through."""
    redactor = log.Redactor()
    for key in keys.values():
        redactor.add(key.reveal())
    log.configure(options.log_level, options.log_format, redactor)
    sys.excepthook = log.report_crash
