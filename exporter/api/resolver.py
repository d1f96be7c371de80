"""Looks up host names, for each account in threads of its own.

Python asks name servers in a thread that nothing can cancel, and one that does not answer keeps its
thread for half a minute or more. The threads of the event loop are few and serve all accounts: the
lookups of some accounts would take all of them.
"""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS = 2
"""Lookups of one account that run at once: aiohttp looks up each host once at a time, and an
account has at most two hosts, the API and a proxy."""

Address = tuple[str, int] | tuple[str, int, int, int]
"""An address of IPv4, or of IPv6 with its flow and its scope."""

Lookup = Callable[
    [str, int, int, int, int, int],
    list[tuple[socket.AddressFamily, socket.SocketKind, int, str, Address]],
]
"""`socket.getaddrinfo`."""


def system_lookup(
    host: str, port: int, family: int, kind: int, proto: int, flags: int
) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, Address]]:
    """Return the addresses of a host, as the system finds them."""
    return socket.getaddrinfo(host, port, family, kind, proto, flags)  # type: ignore[return-value]  # bytes: only without IPv6


class Resolver(AbstractResolver):
    """Looks up the hosts of one account."""

    def __init__(self, lookup: Lookup = system_lookup) -> None:
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(THREADS, "resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host. Raises OSError where there are none."""
        kind, flags = socket.SOCK_STREAM, socket.AI_ADDRCONFIG
        work = partial(self._lookup, host, port, family, kind, 0, flags)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        return [
            ResolveResult(
                hostname=host,
                host=_text(address),
                port=address[1],
                family=each,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for each, _, proto, _, address in found
        ]

    async def close(self) -> None:
        """Begin no other lookup. One that runs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _text(address: Address) -> str:
    """Return the address without its port. A link-local one of IPv6 needs its scope."""
    scope = address[3] if len(address) > 2 else 0  # noqa: PLR2004 - the scope is the fourth part
    return f"{address[0]}%{scope}" if scope else address[0]
