"""Flags that several commands have, and the values of flags. Named as in Prometheus' programs."""

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from msgspec.structs import fields

from exporter import __version__, durations
from exporter.log import LEVEL_ALIASES, LEVELS, LogFormat
from exporter.rules.thresholds import Links, Seconds, Share, Thresholds
from exporter.web.address import Address
from exporter.web.server import HEALTHY_PATH, READY_PATH

PROG = "ultravox-batch-exporter"
DEFAULT_ADDRESS = Address("", 10110)
MINUTE, DAY = 60.0, 86400.0
"""Seconds."""


def add_version(parser: argparse.ArgumentParser) -> None:
    """Add `--version`."""
    parser.add_argument("--version", action="version", version=f"{PROG} {__version__}")


def add_config_file(parser: argparse.ArgumentParser) -> None:
    """Add `--config.file`."""
    parser.add_argument(
        "--config.file",
        dest="config_file",
        type=_path,
        metavar="PATH",
        help="configuration file (default: ./config.yaml, else the account of ULTRAVOX_API_KEY)",
    )


def add_listen_addresses(parser: argparse.ArgumentParser, default: Address) -> None:
    """Add `--web.listen-address`, which may be repeated."""
    parser.set_defaults(default_address=default)
    parser.add_argument(
        "--web.listen-address",
        dest="listen_addresses",
        type=address,
        action="append",
        metavar="[HOST]:PORT",
        help=f"address to listen on; repeatable; port 0 is any free port (default: {default})",
    )


def add_logging(parser: argparse.ArgumentParser) -> None:
    """Add `--log.level` and `--log.format`."""
    parser.add_argument(
        "--log.level",
        dest="log_level",
        type=lambda text: LEVEL_ALIASES.get(text, text),
        choices=LEVELS,
        default="info",
        metavar="LEVEL",
        help="minimum level of log lines: debug, info, warn or warning, error (default: info)",
    )
    parser.add_argument(
        "--log.format",
        dest="log_format",
        type=_log_format,
        default=LogFormat.AUTO,
        metavar="{" + ",".join(LogFormat) + "}",
        help="format of log lines; auto: console on a terminal, logfmt elsewhere (default: auto)",
    )


def add_thresholds(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each field of the thresholds and links of the alert rules."""
    for field in (*fields(Thresholds), *fields(Links)):
        kind, about = get_args(field.type)
        read, show, metavar = _KINDS[kind]
        parser.add_argument(
            f"--{field.encode_name.replace('_', '-')}",
            dest=field.encode_name,
            type=read,
            default=field.default,
            metavar=metavar,
            help=f"{about} (default: {show(field.default)})".replace("%", "%%"),
        )


def address(text: str) -> Address:
    """Return the listen address in the text. Raises ArgumentTypeError."""
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def telemetry_path(text: str) -> str:
    """Return the path if it can serve metrics. Raises ArgumentTypeError."""
    if not text.startswith("/") or set(text) & set("{}?#% ") or text in (HEALTHY_PATH, READY_PATH):
        raise argparse.ArgumentTypeError(f"{text!r} is not a free path such as /metrics")
    return text


def speed(text: str) -> float:
    """Return the positive number in the text. Raises ArgumentTypeError."""
    number = _number(text)
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return number


def working_folder() -> Path:
    """Return the working directory; a relative path where it was deleted: no file is in it."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path()


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def _log_format(text: str) -> LogFormat:
    try:
        return LogFormat(text)
    except ValueError:
        message = f"{text!r} is none of {', '.join(LogFormat)}"
        raise argparse.ArgumentTypeError(message) from None


def _duration(text: str) -> float:
    try:
        seconds = durations.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not MINUTE <= seconds <= DAY:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 1m and 1d")
    return seconds


def _share(text: str) -> float:
    share = _number(text)
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share such as 0.05")
    return share


def _number(text: str) -> float:
    """Return the number in the text, NaN where there is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s{}\"\\]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as https://example.com")
    return text.rstrip("/")


_KINDS: dict[object, tuple[Callable[[str], object], Callable[[Any], str], str]] = {
    Seconds: (_duration, durations.render, "DURATION"),
    Share: (_share, str, "SHARE"),
    int: (_count, str, "N"),
    str: (_url, str, "URL"),
}
"""By type of a threshold: how its flag is parsed, how its default is shown, and its metavar."""
