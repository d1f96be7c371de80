"""TLS on loopback: certificates, private CAs, and a proxy (`Door`) that presents them."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.support.programs import require

_HOST = "127.0.0.1"


class Certificate(NamedTuple):
    """A certificate and its key, in PEM files. A self-signed one is also the CA to trust."""

    path: Path
    key: Path


def self_signed(folder: Path, name: str, subject: str) -> Certificate:
    """Make a certificate in files called `name` for a subject such as `IP:127.0.0.1`."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    subprocess.run(
        [
            require("openssl"),
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName={subject}"),
            *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
            *("-out", made.path, "-keyout", made.key),
        ],
        check=True,
        capture_output=True,
    )
    return made


def issued(folder: Path, name: str, subject: str, authority: Certificate) -> Certificate:
    """Make a certificate for a subject, signed by an authority, without Authority Key Identifier.

    Many private CAs issue such certificates.
    """
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={subject}\nauthorityKeyIdentifier=none\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    signed = ("-CA", authority.path, "-CAkey", authority.key, "-days", "2", "-set_serial", "1")
    for arguments in (
        ("req", *key, "-subj", f"/CN={name}", "-out", request, "-keyout", made.key),
        ("x509", "-req", "-in", request, *signed, "-extfile", extensions, "-out", made.path),
    ):
        subprocess.run([require("openssl"), *arguments], check=True, capture_output=True)
    return made


class Door:
    """A TCP proxy in front of a server, open or shut, with TLS or without.

    It keeps its port while it is shut: connections to it are refused. With `clients` it requires
    a client certificate that was issued by this one.
    """

    def __init__(
        self,
        url: str,
        certificate: Certificate | None = None,
        clients: Certificate | None = None,
    ) -> None:
        self._behind = int(url.rpartition(":")[2])
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
        if self._context is not None and clients is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(clients.path)
        # A socket that is bound and does not listen keeps the port from everybody else.
        self._port = socket.socket()
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port.bind((_HOST, 0))
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The base URL of the proxy."""
        scheme = "http" if self._context is None else "https"
        return f"{scheme}://{_HOST}:{self._port.getsockname()[1]}"

    async def open(self) -> None:
        """Accept connections from now on."""
        self._server = await asyncio.start_server(
            self._enter, *self._port.getsockname(), ssl=self._context
        )

    async def shut(self) -> None:
        """Refuse connections, and close the open ones."""
        if self._server is not None:
            self._server.close()
        await self._close_connections()

    async def show(self, certificate: Certificate) -> None:
        """Present another certificate from now on; close the open connections."""
        assert self._context is not None
        self._context.load_cert_chain(*certificate)
        await self._close_connections()

    async def close(self) -> None:
        """Shut the proxy and give up its port."""
        await self.shut()
        self._port.close()

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._lead(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await carry_both_ways(reader, writer, self._behind)

    async def _close_connections(self) -> None:
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def carry_both_ways(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
) -> None:
    """Connect a connection with a port of this machine until one side ends; close both."""
    try:
        inner_reader, inner_writer = await asyncio.open_connection(_HOST, port)
    except OSError:
        writer.transport.abort()
        return
    ways = [
        asyncio.create_task(_carry(reader, inner_writer)),
        asyncio.create_task(_carry(inner_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        # Before any `await`, which a second cancellation would end.
        inner_writer.transport.abort()
        # With TLS, the `abort` of Python 3.11.7 raises TypeError.
        with suppress(TypeError):
            writer.transport.abort()
        await asyncio.gather(*ways, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def door(
    url: str, certificate: Certificate | None = None, clients: Certificate | None = None
) -> AsyncIterator[Door]:
    """Yield an open proxy in front of the server at a base URL."""
    made = Door(url, certificate, clients)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
