"""`healthcheck`: ask a running exporter whether it is healthy. For containers without curl."""

import argparse
import http.client
import urllib.error
import urllib.request

from exporter.cli import flags, output
from exporter.web.server import HEALTHY_PATH

TIMEOUT = 5.0
"""Seconds. Container runtimes allow a health check more than that by default."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `healthcheck`."""
    parser.add_argument(
        "--web.listen-address",
        dest="address",
        type=flags.address,
        default=flags.DEFAULT_ADDRESS,
        metavar="[HOST]:PORT",
        help=f"address on which the exporter listens (default: {flags.DEFAULT_ADDRESS})",
    )


def command(options: argparse.Namespace) -> int:
    """Return 0 if the exporter at the address is healthy; else write the reason and return 1."""
    url = f"http://{options.address.reached_by()}{HEALTHY_PATH}"
    # The request must not go through a proxy that the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT) as response:
            output.write(response.read().decode(errors="replace"))
            return 0
    except urllib.error.HTTPError as error:
        output.write_error(f"{url}: HTTP {error.code}: {error.read().decode(errors='replace')}")
        error.close()
    except http.client.HTTPException:
        output.write_error(f"{url}: the answer is not HTTP: check --web.listen-address\n")
    except OSError as error:
        reason = getattr(error, "reason", error)
        output.write_error(f"{url}: no answer: {reason}: check that the exporter runs there\n")
    return 1
