"""A real HTTP proxy on loopback that makes tunnels (CONNECT), or refuses to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.tls import Certificate, carry_both_ways

_HOST = "127.0.0.1"


class ConnectProxy:
    """A proxy whose tunnels all end at one port of this machine, whatever host is asked for.

    `heads` are the requests as they came: request line and headers. `status` is what is answered.
    """

    def __init__(self, port: int) -> None:
        self.heads: list[str] = []
        self.status = 200
        self._port = port
        self._server: asyncio.Server | None = None
        self._scheme = "http"
        self._tunnels: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The URL of the proxy."""
        assert self._server is not None
        return f"{self._scheme}://{_HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def open(self, certificate: Certificate | None) -> None:
        """Accept connections from now on, with TLS if there is a certificate."""
        context: ssl.SSLContext | None = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._scheme = "https"
        self._server = await asyncio.start_server(self._enter, _HOST, 0, ssl=context)

    async def close(self) -> None:
        """Close the port and every tunnel."""
        assert self._server is not None
        self._server.close()
        await self.close_tunnels()

    async def close_tunnels(self) -> None:
        """Close every tunnel."""
        tunnels = list(self._tunnels)
        for tunnel in tunnels:
            tunnel.cancel()
        await asyncio.gather(*tunnels, return_exceptions=True)

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnel = asyncio.create_task(self._answer(reader, writer))
        self._tunnels.add(tunnel)
        tunnel.add_done_callback(self._tunnels.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            writer.write(f"HTTP/1.1 {self.status} Answer\r\n\r\n".encode())
            await writer.drain()
            if self.status == 200:
                await carry_both_ways(reader, writer, self._port)
        finally:
            writer.close()


@asynccontextmanager
async def connect_proxy(
    url: str, certificate: Certificate | None = None
) -> AsyncIterator[ConnectProxy]:
    """Yield an open proxy whose tunnels end at the port of a URL."""
    made = ConnectProxy(int(url.rpartition(":")[2]))
    await made.open(certificate)
    try:
        yield made
    finally:
        await made.close()
