"""Accepts connections, and bounds them: their number, and how long they say nothing.

A client that opens connections and sends no request takes neither the descriptors that polling
needs nor the place of a client that does send one.
"""

import asyncio
import contextlib
import resource
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

log = structlog.get_logger()

MOST_CONNECTIONS = 256
"""Open connections, however many descriptors the process may have."""

FEWEST_CONNECTIONS = 8

DESCRIPTORS_PER_CONNECTION = 4
"""Each connection leaves three descriptors to polling, files and connections not yet closed."""

ACCEPTED_AT_ONCE = 16
"""Connections accepted before those accepted earlier are read from."""

ACCEPT_RETRY = 0.1
"""Seconds until the next attempt after the system refused to accept a connection."""

HttpProtocol: TypeAlias = Callable[[], web.RequestHandler]
"""Returns aiohttp's protocol of a new connection."""


def allowed_connections(descriptors: int) -> int:
    """Return how many connections may be open in a process with that many descriptors."""
    if descriptors == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    share = descriptors // DESCRIPTORS_PER_CONNECTION
    return max(FEWEST_CONNECTIONS, min(MOST_CONNECTIONS, share))


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits on connections.

    `connections`: open at the same time. `header`: seconds for one complete request header, from
    the connection's beginning or from the header's first byte. `idle`: seconds between two
    requests. `log_interval`: seconds between two log lines about connections beyond the limit.
    """

    connections: int = field(
        default_factory=lambda: allowed_connections(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    )
    header: float = 10.0
    idle: float = 75.0
    log_interval: float = 60.0


class _Connection(asyncio.Protocol):
    """Hands everything over to aiohttp's protocol, and reports what the limits depend on."""

    def __init__(self, connections: "Connections", http: web.RequestHandler) -> None:
        self._connections = connections
        self.http = http
        self.transport: asyncio.Transport
        self.address = ""
        self.deadline = 0.0
        self.silent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        # None if the client has gone already.
        self.address = (transport.get_extra_info("peername") or ("",))[0]
        self.http.connection_made(transport)
        self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.closed(self)
        self.http.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._connections.received(self)
        self.http.data_received(data)

    def eof_received(self) -> None:
        self.http.eof_received()

    def pause_writing(self) -> None:
        self.http.pause_writing()

    def resume_writing(self) -> None:
        self.http.resume_writing()


class Connections:
    """The open connections. Idle are those without a request that is being answered.

    Beyond the limit, the idle connection of the address with the most connections is closed that
    has been idle longest.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._open: dict[web.RequestHandler, _Connection] = {}
        self._idle: dict[web.RequestHandler, _Connection] = {}
        self._held: Counter[str] = Counter()
        self._log_after = 0.0
        self._closed = 0

    def middleware(self) -> Middleware:
        """Return aiohttp's middleware that reports when a request begins and ends."""

        @web.middleware
        async def track(request: web.Request, handler: Handler) -> web.StreamResponse:
            http = request.protocol
            self._idle.pop(http, None)
            try:
                return await handler(request)
            finally:
                if connection := self._open.get(http):
                    self._rest(connection, self._limits.idle, silent=True)

        return track

    @asynccontextmanager
    async def accepted(
        self, listeners: Iterable[socket.socket], server: HttpProtocol
    ) -> AsyncIterator[None]:
        """Accept connections while the context is open; then the listening sockets are closed."""
        tasks = [asyncio.create_task(self.accept(each, server)) for each in listeners]
        tasks.append(asyncio.create_task(self.close_late()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def accept(self, listener: socket.socket, server: HttpProtocol) -> None:
        """Accept connections until cancelled, then close the listening socket."""
        listener.settimeout(0)
        with listener:
            while True:
                try:
                    accepted = [(await self._loop.sock_accept(listener))[0]]
                except OSError as error:
                    self._make_room(str(error.strerror or error))
                    await asyncio.sleep(ACCEPT_RETRY)
                    continue
                with contextlib.suppress(OSError):
                    while len(accepted) < self._batch():
                        accepted.append(listener.accept()[0])
                await self._connect(accepted, server)

    async def close_late(self) -> None:
        """Close connections at their time-outs, until cancelled."""
        interval = min(self._limits.header, self._limits.idle) / 10
        while True:
            await asyncio.sleep(interval)
            now = self._loop.time()
            for connection in [each for each in self._idle.values() if each.deadline <= now]:
                reason = "idle" if connection.silent else "no_complete_request"
                log.debug("connection_closed", remote=connection.address, reason=reason)
                self._close(connection)

    def opened(self, connection: _Connection) -> None:
        """Count a new connection; close one if they are too many."""
        self._open[connection.http] = connection
        self._held[connection.address] += 1
        self._rest(connection, self._limits.header, silent=False)
        if len(self._open) > self._limits.connections:
            self._make_room(f"more than {self._limits.connections} connections")

    def received(self, connection: _Connection) -> None:
        """Start the time-out of a header with its first byte."""
        if connection.silent:
            connection.silent = False
            connection.deadline = self._loop.time() + self._limits.header

    def closed(self, connection: _Connection) -> None:
        """Count a connection no more."""
        self._idle.pop(connection.http, None)
        if self._open.pop(connection.http, None):
            self._held[connection.address] -= 1
            self._held += Counter()  # removes the addresses without connections

    def _rest(self, connection: _Connection, seconds: float, *, silent: bool) -> None:
        connection.deadline = self._loop.time() + seconds
        connection.silent = silent
        self._idle[connection.http] = connection

    def _batch(self) -> int:
        # All connections accepted in the time in which a request arrives must find room.
        return max(1, min(ACCEPTED_AT_ONCE, self._limits.connections // 8))

    async def _connect(self, accepted: list[socket.socket], server: HttpProtocol) -> None:
        connect = self._loop.connect_accepted_socket
        try:
            # An error of one connection, whose client is gone, must not end the accepting.
            await asyncio.gather(
                *(connect(lambda: _Connection(self, server()), each) for each in accepted),
                return_exceptions=True,
            )
        except asyncio.CancelledError:
            # A connection that was not begun is closed by nothing else.
            for each in accepted:
                each.close()
            raise

    def _make_room(self, problem: str) -> None:
        # The first of these: the one that has been idle longest.
        for connection in sorted(self._idle.values(), key=self._share)[:1]:
            self._close(connection)
            self._closed += 1
        if self._loop.time() >= self._log_after:
            log.warning("connection_limit_reached", problem=problem, closed=self._closed)
            self._log_after = self._loop.time() + self._limits.log_interval

    def _share(self, connection: _Connection) -> int:
        return -self._held[connection.address]

    def _close(self, connection: _Connection) -> None:
        self.closed(connection)
        reset(connection.transport)


def reset(transport: asyncio.WriteTransport) -> None:
    """Close a connection at once; what its client has not received is discarded."""
    # Otherwise the system keeps megabytes for each client that does not read.
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
    transport.abort()
