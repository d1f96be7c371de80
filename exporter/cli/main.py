"""Subcommands and exit status."""

import sys
from collections.abc import Sequence

from exporter.cli import check, demo, flags, healthcheck, rules, serve
from exporter.errors import ConfigError, ListenError

DONE, FAILED, WRONG_USAGE = 0, 1, 2

_COMMANDS = {
    "serve": serve.command,
    "check": check.command,
    "demo": demo.command,
    "healthcheck": healthcheck.command,
    "rules": rules.command,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status. `argv` is `sys.argv[1:]` by default."""
    options = flags.parse(list(sys.argv[1:] if argv is None else argv))
    try:
        return _COMMANDS[options.command](options)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USAGE
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return FAILED
    except ListenError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
