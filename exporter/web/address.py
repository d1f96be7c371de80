"""Listen addresses as flags write them: `[HOST]:PORT`."""

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import Final

import msgspec

from exporter.errors import ListenError

MAX_PORT = 65535

WAITING = 1024
"""Connections that wait to be accepted: the system makes a client beyond them wait for seconds."""

_NAME: Final = re.compile("[a-zA-Z0-9_.-]*")


class Address(msgspec.Struct, frozen=True):
    """A listen address; port 0 is any free port.

    An empty host and `::` are every address of the machine, IPv4 and IPv6; `0.0.0.0` is every IPv4
    address.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address of a text `[HOST]:PORT`. Raises ValueError with the expected form."""
        host, colon, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        bracketed = host.startswith("[") and host.endswith("]")
        if not (colon and port.isascii() and port.isdigit() and int(port) <= MAX_PORT):
            raise ValueError(f"{text!r} is not [HOST]:PORT, such as :10110 or 127.0.0.1:10110")
        if not bracketed and _is_ipv6(bare):
            raise ValueError(f"{text!r}: write an IPv6 host in brackets, such as [::1]:10110")
        if not (_is_ipv6(bare) if bracketed else _NAME.fullmatch(bare)):
            raise ValueError(f"{text!r}: {host!r} is neither a host name nor an IP address")
        return cls(bare, int(port))

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def reached_by(self) -> "Address":
        """Return the address at which a client on this machine reaches a listener on this one."""
        match _unspecified(self.host):
            case ipaddress.IPv6Address():
                return Address("::1", self.port)
            case ipaddress.IPv4Address():
                return Address("127.0.0.1", self.port)
        return self

    def bind(self, has_dual_stack: Callable[[], bool] = socket.has_dualstack_ipv6) -> socket.socket:
        """Return a listening socket. Raises ListenError.

        Without a host and for `::`, one socket accepts both IPv4 and IPv6 if the machine has both,
        as in Go's programs; port 0 is then the same free port for each. `has_dual_stack` returns
        whether the machine has both.
        """
        every = not self.host or isinstance(_unspecified(self.host), ipaddress.IPv6Address)
        both = every and has_dual_stack()
        family = socket.AF_INET6 if both or ":" in self.host else socket.AF_INET
        try:
            return socket.create_server(
                (self.host, self.port), family=family, backlog=WAITING, dualstack_ipv6=both
            )
        except OSError as error:
            raise ListenError(f"can't listen on {self}: {error.strerror or error}") from None


def _unspecified(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that means every address, None where the host is another.

    An empty host is `0.0.0.0`.
    """
    try:
        found = ipaddress.ip_address(host or "0.0.0.0")  # noqa: S104 - nothing listens here
    except ValueError:
        return None
    return found if found.is_unspecified else None


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def address_of(listener: socket.socket) -> Address:
    """Return the address on which a socket listens, with the port that the system chose."""
    host, port = listener.getsockname()[:2]
    return Address(host, port)
