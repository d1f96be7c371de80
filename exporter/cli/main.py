"""Parses the arguments, runs a command, returns the exit status."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from exporter.cli import check, demo, flags, healthcheck, output, rules, serve
from exporter.errors import ConfigError, ListenError, OutputError

DONE, FAILED, WRONG_USAGE = 0, 1, 2

EXIT_STATUS = """\
exit status:
  0  done
  1  failed while running
  2  wrong usage or configuration"""


class Command(NamedTuple):
    """What a command does, how its flags are added to a parser, and the function that runs it."""

    help: str
    add_flags: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS = {
    "serve": Command("poll the API and serve metrics (default)", serve.add_flags, serve.command),
    "check": Command("validate the configuration and exit", check.add_flags, check.command),
    "demo": Command("serve metrics of a simulated account", demo.add_flags, demo.command),
    "healthcheck": Command(
        "ask a running exporter whether it is healthy", healthcheck.add_flags, healthcheck.command
    ),
    "rules": Command("print the alert rules", flags.add_thresholds, rules.command),
}


def main(argv: Sequence[str] | None = None, ignored: Mapping[str, str] = {}) -> int:
    """Run one command and return the exit status. `argv` is `sys.argv[1:]` by default.

    `ignored` are environment variables that are not used, each with the problem.
    """
    try:
        options = parse(list(sys.argv[1:] if argv is None else argv))
        options.ignored = ignored
        return COMMANDS[options.command].run(options)
    except ConfigError as error:
        output.write_error(f"{error}\n")
        return WRONG_USAGE
    except KeyboardInterrupt:
        output.write_error("interrupted\n")
        return FAILED
    except (ListenError, OutputError) as error:
        output.write_error(f"{error}\n")
        return FAILED
    finally:
        # Log lines that could not be written must not change the exit status.
        output.write_error("")


def parse(argv: list[str]) -> argparse.Namespace:
    """Return the flags, `command` among them. Exits with status 2 and a message on wrong usage.

    Without a command, the command is `serve`.
    """
    if not argv or (argv[0].startswith("-") and argv[0] not in ("-h", "--help")):
        argv = ["serve", *argv]
    parser = _parser()
    options, rest = parser.parse_known_args(argv)
    if rest:
        late = next((word for word in rest if word in COMMANDS), None)
        parser.error(
            f"the command comes first: {flags.PROG} {late} …"
            if late
            else f"unrecognized arguments: {' '.join(rest)}"
        )
    if options.command in ("serve", "demo"):
        options.listen_addresses = tuple(options.listen_addresses or [options.default_address])
    return options


class _Parser(argparse.ArgumentParser):
    """A parser of which no help is lost without a message."""

    def _print_message(self, message: str, file: object = None) -> None:
        if file is sys.stdout:
            output.write(message)
        else:
            output.write_error(message)


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the program, with a parser for each command."""
    raw = argparse.RawDescriptionHelpFormatter
    usage = f"`{flags.PROG} COMMAND --help` shows the flags of a command. Default command: serve."
    parser = _Parser(
        prog=flags.PROG,
        description="Prometheus exporter for Ultravox scheduled call batches.",
        epilog=f"{usage}\n\n{EXIT_STATUS}",
        formatter_class=raw,
        allow_abbrev=False,
    )
    flags.add_version(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(
            name,
            help=command.help,
            epilog=EXIT_STATUS,
            formatter_class=raw,
            allow_abbrev=False,
        )
        command.add_flags(subparser)
    return parser
