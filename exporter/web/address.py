"""Listen addresses as flags write them: `[HOST]:PORT`."""

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import Final

import msgspec

from exporter.errors import ListenError

MAX_PORT = 65535

_NAME: Final = re.compile("[a-zA-Z0-9_.-]*")


class Address(msgspec.Struct, frozen=True):
    """A listen address. An empty host is every address of the machine; port 0 is any free port."""

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
        return self if self.host else Address("127.0.0.1", self.port)

    def bind(self, has_dual_stack: Callable[[], bool] = socket.has_dualstack_ipv6) -> socket.socket:
        """Return a listening socket. Raises ListenError.

        Without a host, one socket accepts both IPv4 and IPv6 if the machine has both, so that port
        0 is the same free port for each. `has_dual_stack` returns whether the machine has both.
        """
        both = not self.host and has_dual_stack()
        family = socket.AF_INET6 if both or ":" in self.host else socket.AF_INET
        try:
            return socket.create_server(
                (self.host, self.port), family=family, backlog=128, dualstack_ipv6=both
            )
        except OSError as error:
            raise ListenError(f"can't listen on {self}: {error.strerror or error}") from None


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
