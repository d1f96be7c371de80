"""Listen addresses as flags write them: `[HOST]:PORT`."""

import ipaddress
import re
import socket
from typing import Final

import msgspec

from exporter.errors import ListenError

MAX_PORT = 65535

_NAME: Final = re.compile("[a-zA-Z0-9_.-]*")


class Address(msgspec.Struct, frozen=True):
    """Where to listen. An empty host is every address of the machine; port 0 is any free port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address that `[HOST]:PORT` means. Raises ValueError with the form expected."""
        host, colon, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        bracketed = host.startswith("[") and host.endswith("]")
        if not (colon and port.isascii() and port.isdigit() and int(port) <= MAX_PORT):
            raise ValueError(f"{text!r} is not [HOST]:PORT, such as :10110 or 127.0.0.1:10110")
        if not bracketed and _is_ipv6(bare):
            raise ValueError(f"{text!r}: write an IPv6 host in brackets, such as [::1]:10110")
        if not (_is_ipv6(bare) if bracketed else _NAME.fullmatch(bare)):
            raise ValueError(f"{text!r}: {host!r} is neither a host's name nor an address")
        return cls(bare, int(port))

    def __str__(self) -> str:
        """Return the form that `parse` reads."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def reached_by(self) -> "Address":
        """Return the address at which a client on this machine reaches a listener on this one."""
        return self if self.host else Address("127.0.0.1", self.port)

    def bind(self) -> socket.socket:
        """Return a listening socket. Raises ListenError.

        Without a host, one socket takes both IPv4 and IPv6 where the machine has both, so that port
        0 is the same free port on each.
        """
        both = not self.host and socket.has_dualstack_ipv6()
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
    """Return where a socket listens, its port as the system chose it."""
    host, port = listener.getsockname()[:2]
    return Address(host, port)
