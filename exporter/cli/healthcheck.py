"""Ask a running exporter whether it lives: for containers, which have no curl."""

import argparse
import http.client
import sys
import urllib.error
import urllib.request

from exporter.web.server import HEALTHY_PATH

TIMEOUT = 5.0
"""Seconds; shorter than what container runtimes allow a health check by default."""


def command(options: argparse.Namespace) -> int:
    """Return 0 when the exporter at the address is healthy, else say why not and return 1."""
    url = f"http://{options.address.reached_by()}{HEALTHY_PATH}"
    # A proxy from the environment has no part in asking this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT) as response:
            sys.stdout.write(response.read().decode())
            return 0
    except urllib.error.HTTPError as error:
        sys.stderr.write(f"{url}: {error.code} {error.read().decode(errors='replace')}")
        error.close()
    except http.client.HTTPException as error:
        sys.stderr.write(f"{url}: what answers speaks no HTTP: {type(error).__name__}\n")
    except OSError as error:
        sys.stderr.write(f"{url}: {error}\n")
    return 1
