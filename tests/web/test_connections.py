"""Connections that say nothing, and many at once: over real sockets."""

import asyncio
import contextlib
import errno
import os
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from structlog.testing import capture_logs

from exporter.web.address import Address
from exporter.web.connections import (
    FEWEST_CONNECTIONS,
    MOST_CONNECTIONS,
    ConnectionLimits,
    Connections,
    allowed_connections,
)
from exporter.web.server import application, listen
from tests.web.test_server import SITE

LOOPBACK = (Address("127.0.0.1", 0),)
LONG = 3600.0
"""Seconds that no test waits."""

REQUEST = b"GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n"
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def served(limits: ConnectionLimits) -> AsyncIterator[Address]:
    """Serve the site within the limits."""
    async with listen(application(SITE), LOOPBACK, limits) as (address,):
        yield address


@asynccontextmanager
async def client(address: Address, host: str = "127.0.0.1") -> AsyncIterator[Client]:
    """Open a connection from a local address, and abort it on exit."""
    reader, writer = await asyncio.open_connection(address.host, address.port, local_addr=(host, 0))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def answered(connection: Client) -> bool:
    """Send a request and return whether it was answered with 200."""
    reader, writer = connection
    writer.write(REQUEST)
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(b"ready\n"))
        return head.startswith(b"HTTP/1.1 200")
    return False


async def ended(reader: asyncio.StreamReader) -> bool:
    """Wait for the end of a connection, and return whether nothing was received before it."""
    with contextlib.suppress(ConnectionError):
        return await reader.read() == b""
    return True


@pytest.mark.parametrize("sent", [b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"])
async def test_a_connection_without_a_complete_request_is_closed(sent: bytes) -> None:
    with capture_logs() as logged:
        async with (
            served(ConnectionLimits(header=0.01, idle=LONG)) as address,
            client(address) as (reader, writer),
        ):
            writer.write(sent)
            assert await ended(reader)
    assert [(line["event"], line["reason"], line["log_level"]) for line in logged] == [
        ("connection_closed", "no_complete_request", "debug")
    ]


async def test_a_connection_without_a_further_request_is_closed() -> None:
    with capture_logs() as logged:
        async with (
            served(ConnectionLimits(header=LONG, idle=0.01)) as address,
            client(address) as connection,
        ):
            assert await answered(connection)
            assert await ended(connection[0])
    assert [(line["event"], line["reason"]) for line in logged] == [("connection_closed", "idle")]


async def test_the_time_for_a_further_header_begins_with_its_first_byte() -> None:
    async with (
        served(ConnectionLimits(header=0.2, idle=LONG)) as address,
        client(address) as connection,
    ):
        assert await answered(connection)
        assert await answered(connection)
        connection[1].write(b"G")
        assert await ended(connection[0])


async def test_beyond_the_limit_the_connection_that_was_idle_longest_is_closed() -> None:
    """One log line says so, however many are closed."""
    limits = ConnectionLimits(connections=8, header=LONG, idle=LONG)
    async with contextlib.AsyncExitStack() as stack:
        with capture_logs() as logged:
            address = await stack.enter_async_context(served(limits))
            clients = [await stack.enter_async_context(client(address)) for _ in range(8)]
            assert await answered(clients[0])
            for _ in range(3):
                clients.append(await stack.enter_async_context(client(address)))
                assert await answered(clients[-1])
            for reader, _ in clients[1:4]:
                assert await ended(reader)
            assert [await answered(each) for each in (clients[0], *clients[4:])] == [True] * 8
    (line,) = logged
    assert line == {
        "event": "connection_limit_reached",
        "log_level": "warning",
        "problem": "more than 8 connections",
        "closed": 1,
    }


async def test_the_address_with_the_most_connections_loses_them_first() -> None:
    limits = ConnectionLimits(connections=8, header=LONG, idle=LONG)
    async with contextlib.AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(limits))
        prometheus = await stack.enter_async_context(client(address, "127.0.0.2"))
        assert await answered(prometheus)
        silent = [await stack.enter_async_context(client(address)) for _ in range(30)]
        assert await answered(silent[-1])
        assert await answered(prometheus)


async def test_a_long_time_has_a_log_line_for_each_interval() -> None:
    limits = ConnectionLimits(connections=8, header=LONG, idle=LONG, log_interval=0.0)
    with capture_logs() as logged:
        async with contextlib.AsyncExitStack() as stack:
            address = await stack.enter_async_context(served(limits))
            for _ in range(10):
                await stack.enter_async_context(client(address))
            assert await answered(await stack.enter_async_context(client(address)))
    assert [line["closed"] for line in logged] == [1, 2, 3]


@contextlib.contextmanager
def no_free_descriptor() -> Iterator[None]:
    """Let the process open no further descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_without_a_free_descriptor_an_idle_connection_makes_room() -> None:
    loop = asyncio.get_running_loop()
    limits = ConnectionLimits(connections=8, header=LONG, idle=LONG)
    with capture_logs() as logged, socket.socket() as late:
        late.settimeout(0)
        async with served(limits) as address, client(address) as idle:
            assert await answered(idle)
            with no_free_descriptor():
                await loop.sock_connect(late, (address.host, address.port))
                assert await ended(idle[0])
            await loop.sock_sendall(late, REQUEST)
            assert (await loop.sock_recv(late, 100)).startswith(b"HTTP/1.1 200")
    (line,) = logged
    assert line["event"] == "connection_limit_reached"
    assert line["problem"] == os.strerror(errno.EMFILE)


@pytest.mark.parametrize("steps", range(8))
async def test_connections_that_are_just_accepted_are_closed_at_the_end(steps: int) -> None:
    """At each step of the event loop from the first connection on."""
    limits = ConnectionLimits(connections=64)
    async with contextlib.AsyncExitStack() as stack:
        with LOOPBACK[0].bind() as listener:
            clients = [
                stack.enter_context(socket.create_connection(listener.getsockname()))
                for _ in range(8)
            ]
            runner = aiohttp.web.ServerRunner(aiohttp.web.Server(_no_request))
            await runner.setup()
            accepting = asyncio.create_task(
                Connections(limits).accept(listener, runner.server or _no_server)
            )
            for _ in range(steps):
                await asyncio.sleep(0)
            accepting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await accepting
            await runner.cleanup()
        for each in clients:
            each.settimeout(0)
            with contextlib.suppress(ConnectionError):
                assert await asyncio.get_running_loop().sock_recv(each, 1) == b""


async def _no_request(request: aiohttp.web.BaseRequest) -> aiohttp.web.StreamResponse:
    raise AssertionError(request)


def _no_server() -> aiohttp.web.RequestHandler:
    raise AssertionError


@pytest.mark.parametrize(
    ("descriptors", "connections"),
    [
        (resource.RLIM_INFINITY, MOST_CONNECTIONS),
        (1_048_576, MOST_CONNECTIONS),
        (1024, 256),
        (256, 64),
        (8, FEWEST_CONNECTIONS),
    ],
)
def test_most_descriptors_are_kept_for_polling(descriptors: int, connections: int) -> None:
    assert allowed_connections(descriptors) == connections


async def test_a_client_that_half_closes_is_not_counted() -> None:
    limits = ConnectionLimits(connections=8, header=LONG, idle=LONG)
    with capture_logs() as logged:
        async with served(limits) as address:
            for _ in range(20):
                async with client(address) as (reader, writer):
                    writer.write_eof()
                    assert await ended(reader)
    assert logged == []
