"""Host names: the name servers of one account have no effect on another account."""

import asyncio
import socket
import threading
from contextlib import AsyncExitStack

import pytest
from yarl import URL

from exporter.api.resolver import Address, Lookup, Resolver
from exporter.api.transport import Resource, Response, Session, open_session, send
from exporter.config import Secret
from exporter.errors import UnreachableError
from tests.support.answering import responding
from tests.support.builders import account

HANGING = 40
"""Accounts whose lookups hang: more than the event loop has threads, 32 at most."""

INET, STREAM = socket.AF_INET, socket.SOCK_STREAM


def local(
    _host: str, port: int, family: int, kind: int, proto: int, flags: int
) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, Address]]:
    """Return the address of this machine for each host name."""
    assert (kind, proto, flags) == (socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
    assert family == socket.AF_UNSPEC
    return [(INET, STREAM, 0, "", ("127.0.0.1", port))]


def addresses(*found: Address) -> Lookup:
    """Return a lookup that finds these addresses."""
    family = {2: INET, 4: socket.AF_INET6}
    return lambda *_: [(family[len(each)], STREAM, 6, "", each) for each in found]


async def me(session: Session, url: str) -> Response:
    """Ask for the account."""

    async def admit() -> None:
        raise AssertionError

    return await send(session, Resource.ACCOUNT, URL(url), Secret("key"), admit)


async def test_lookups_that_hang_do_not_keep_another_account_from_its_api() -> None:
    """Each account has threads of its own, and its requests share one lookup."""
    released, hanging = threading.Event(), threading.Semaphore(0)

    def hang(*_: object) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, Address]]:
        hanging.release()
        released.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    async with AsyncExitStack() as stack, responding(response) as address:
        url = f"http://api.example:{address.rpartition(':')[2]}"
        waiting = []
        for number in range(HANGING):
            session = await stack.enter_async_context(open_session(account(url), hang))
            waiting += [asyncio.create_task(me(session, url)) for _ in range(1 + number % 2)]
        for _ in range(HANGING):
            await asyncio.to_thread(hanging.acquire)
        session = await stack.enter_async_context(open_session(account(url), local))
        assert (await me(session, url)).body == b"{}"
        assert not any(task.done() for task in waiting)
        assert not hanging.acquire(blocking=False)
        released.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in found} == {UnreachableError}
    assert all("Temporary failure in name resolution" in str(each) for each in found)


@pytest.mark.parametrize(
    ("found", "host"),
    [
        (("192.0.2.1", 443), "192.0.2.1"),
        (("2001:db8::1", 443, 0, 0), "2001:db8::1"),
        (("fe80::1", 443, 0, 2), "fe80::1%2"),
    ],
    ids=["IPv4", "IPv6", "link-local"],
)
async def test_an_address_is_numeric_and_has_the_scope_of_a_link(found: Address, host: str) -> None:
    resolver = Resolver(addresses(found))
    (result,) = await resolver.resolve("api.example", 443)
    await resolver.close()
    assert (result["hostname"], result["host"], result["port"]) == ("api.example", host, 443)
    assert result["family"] == (INET if len(found) == 2 else socket.AF_INET6)
    assert result["flags"] == socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


async def test_the_system_looks_up_a_name() -> None:
    resolver = Resolver()
    found = await resolver.resolve("localhost", 80, socket.AF_INET)
    await resolver.close()
    assert {each["host"] for each in found} == {"127.0.0.1"}
