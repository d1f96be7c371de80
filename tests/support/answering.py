"""A server that gives one response, byte for byte, to each request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exporter.api.client import Client
from tests.support.builders import connecting


@asynccontextmanager
async def responding(response: bytes) -> AsyncIterator[str]:
    """Yield the address, HOST:PORT, of a server that gives one response to each request."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def answering(response: bytes) -> AsyncIterator[Client]:
    """Yield a client of a server that gives one response to each request."""
    async with responding(response) as address, connecting(f"http://{address}") as api:
        yield api
