"""What each subcommand takes, named as Prometheus' own programs name their flags."""

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from msgspec.structs import fields

from exporter import __version__, durations
from exporter.log import LEVELS, LogFormat
from exporter.rules.thresholds import Links, Seconds, Share, Thresholds
from exporter.web.address import Address
from exporter.web.server import HEALTHY_PATH, READY_PATH

PROG = "ultravox-batch-exporter"
COMMANDS = ("serve", "check", "demo", "healthcheck", "rules")
DEFAULT_ADDRESS = Address("", 10110)
MINUTE, DAY = 60.0, 86400.0


def parse(argv: list[str]) -> argparse.Namespace:
    """Return the flags, `command` among them. Exits with status 2 and a message on wrong usage.

    `serve` is what runs where no subcommand is named.
    """
    if not argv or (argv[0].startswith("-") and argv[0] not in ("-h", "--help")):
        argv = ["serve", *argv]
    parser = _parser()
    flags, rest = parser.parse_known_args(argv)
    if rest:
        late = next((word for word in rest if word in COMMANDS), None)
        parser.error(
            f"the command comes first: {PROG} {late} …"
            if late
            else f"unrecognized arguments: {' '.join(rest)}"
        )
    if flags.command in ("serve", "demo"):
        flags.listen_addresses = tuple(flags.listen_addresses or [flags.default_address])
    return flags


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="Prometheus exporter for Ultravox scheduled call batches.",
        epilog=f"`{PROG} COMMAND --help` tells a command's flags; without a command it serves.",
        allow_abbrev=False,
    )
    _add_version(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="poll and serve (default)", allow_abbrev=False))
    _add_check(
        commands.add_parser("check", help="judge the configuration and exit", allow_abbrev=False)
    )
    _add_demo(commands.add_parser("demo", help="serve a simulated account", allow_abbrev=False))
    _add_healthcheck(
        commands.add_parser(
            "healthcheck", help="ask a running exporter whether it lives", allow_abbrev=False
        )
    )
    _add_rules(commands.add_parser("rules", help="print the alert rules", allow_abbrev=False))
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    _add_version(parser)
    _add_config_file(parser)
    _add_listen_addresses(parser, DEFAULT_ADDRESS)
    parser.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        type=_telemetry_path,
        default="/metrics",
        metavar="PATH",
        help="where metrics are served (default: /metrics)",
    )
    _add_logging(parser)


def _add_check(parser: argparse.ArgumentParser) -> None:
    _add_config_file(parser)
    parser.add_argument(
        "--live", action="store_true", help="ask the accounts, too, and say what polling will cost"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="N",
        help="how many times as fast as real time the campaigns run (default: 1)",
    )
    _add_listen_addresses(parser, Address("127.0.0.1", DEFAULT_ADDRESS.port))
    _add_logging(parser)


def _add_healthcheck(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--web.listen-address",
        dest="address",
        type=_address,
        default=DEFAULT_ADDRESS,
        metavar="[HOST]:PORT",
        help=f"where the exporter listens (default: {DEFAULT_ADDRESS})",
    )


def _add_rules(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each field of the thresholds and links."""
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


def _add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", action="version", version=f"{PROG} {__version__}")


def _add_config_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config.file",
        dest="config_file",
        type=_path,
        metavar="PATH",
        help="the configuration (default: ./config.yaml, else the account of ULTRAVOX_API_KEY)",
    )


def _add_listen_addresses(parser: argparse.ArgumentParser, default: Address) -> None:
    parser.set_defaults(default_address=default)
    parser.add_argument(
        "--web.listen-address",
        dest="listen_addresses",
        type=_address,
        action="append",
        metavar="[HOST]:PORT",
        help=f"where to listen; may be given again; port 0 takes a free one (default: {default})",
    )


def _add_logging(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log.level",
        dest="log_level",
        choices=LEVELS,
        default="info",
        help="the least grave lines to log (default: info)",
    )
    parser.add_argument(
        "--log.format",
        dest="log_format",
        type=_log_format,
        default=LogFormat.AUTO,
        metavar="{" + ",".join(LogFormat) + "}",
        help="console on a terminal and logfmt elsewhere (auto, the default), or always this one",
    )


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


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _telemetry_path(text: str) -> str:
    if not text.startswith("/") or set(text) & set("{}?#% ") or text in (HEALTHY_PATH, READY_PATH):
        raise argparse.ArgumentTypeError(f"{text!r} is not a free path such as /metrics")
    return text


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not (math.isfinite(speed) and speed > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return speed


def _duration(text: str) -> float:
    try:
        seconds = durations.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not MINUTE <= seconds <= DAY:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 1m and 1d")
    return seconds


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share such as 0.05")
    return share


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
"""By type: how a flag is read, how its default is shown, and what it is called."""
