"""Requests through a real proxy: what it is sent, what it may answer, and who needs none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.api.body import LargeBodies
from exporter.api.client import Client, connect
from exporter.api.deadline import Deadline
from exporter.config import Account, Key, ProxyUrl, Secret, Tls
from exporter.errors import UnreachableError
from exporter.simulator import serve
from tests.fake_api import Simulator
from tests.support.builders import LATE, Requests
from tests.support.connect_proxy import connect_proxy
from tests.support.programs import free_address
from tests.support.tls import Door, door, issued, self_signed

HOST = "api.invalid"
"""A host that no name server knows: only the proxy can reach it."""


@asynccontextmanager
async def behind_tls(folder: Path, base_url: str) -> AsyncIterator[tuple[Door, Tls]]:
    """Yield a server with TLS that is called HOST, and the section that trusts it."""
    authority = self_signed(folder, "authority", "IP:127.0.0.1")
    certificate = issued(folder, "certificate", f"DNS:{HOST},IP:127.0.0.1", authority)
    async with door(base_url, certificate) as server:
        yield server, Tls(str(authority.path))


@asynccontextmanager
async def connected(
    account: Account, simulator: Simulator, observer: Requests | None = None
) -> AsyncIterator[Client]:
    """Yield a client of the account."""
    key = Key("main", Secret(simulator.api_key))
    async with connect(account, key, observer or Requests(), LATE, LargeBodies()) as made:
        yield made


async def ask(api: Client) -> None:
    """Send one request."""
    async with Deadline(LATE) as deadline:
        await api.account(deadline)


def of(proxy: str, server: str, tls: Tls, **headers: tuple[Secret, ...]) -> Account:
    """Return an account whose requests to a server go through a proxy."""
    return Account(
        "main",
        base_url=server,
        api_key_env="KEY",
        tls_config=tls,
        proxy_url=ProxyUrl(proxy),
        proxy_connect_header={name.replace("_", "-"): values for name, values in headers.items()},
    )


def authority_of(folder: Path) -> str:
    """Return the certificate of the authority of `behind_tls`."""
    return (folder / "authority.pem").read_text()


def called(server: Door) -> str:
    """Return the base URL of a server by its name."""
    return server.url.replace("127.0.0.1", HOST)


@pytest.mark.parametrize("with_tls", [False, True], ids=["http", "https"])
async def test_the_proxy_makes_a_tunnel_and_never_gets_the_key(
    simulator: Simulator, base_url: str, tmp_path: Path, with_tls: bool
) -> None:
    """It resolves the host name. One tunnel serves many requests."""
    own = self_signed(tmp_path, "proxy", "IP:127.0.0.1") if with_tls else None
    async with behind_tls(tmp_path, base_url) as (server, tls):
        both = tmp_path / "both.pem"
        both.write_text(authority_of(tmp_path) + (own.path.read_text() if own else ""))
        trusted = Tls(str(both)) if own else tls
        port = server.url.rpartition(":")[2]
        async with connect_proxy(server.url, own) as proxy:
            async with connected(of(proxy.url, called(server), trusted), simulator) as api:
                await ask(api)
                await ask(api)
            (head,) = proxy.heads
    assert head.startswith(f"CONNECT {HOST}:{port} HTTP/1.1\r\n")
    assert f"\r\nHost: {HOST}:{port}\r\n" in head
    assert simulator.api_key not in head
    assert "key" not in head.lower()
    assert len(simulator.requests) == 2


async def test_credentials_and_headers_are_sent_to_the_proxy_and_not_to_the_api(
    simulator: Simulator, tmp_path: Path
) -> None:
    """Credentials of the URL replace a header of the same purpose, as in Go."""
    received: list[str] = []

    @web.middleware
    async def keep(request: web.Request, handler: Handler) -> web.StreamResponse:
        received.extend(request.headers)
        return await handler(request)

    async with (
        serve(simulator, middlewares=[keep]) as base_url,
        behind_tls(tmp_path, base_url) as (server, tls),
        connect_proxy(server.url) as proxy,
    ):
        url = proxy.url.replace("//", "//Aladdin:open%20sesame@")
        headers = {"X_Team": (Secret("one"), Secret("two"))}
        replaced = {"proxy_authorization": (Secret("Bearer wrong"),)}
        account = of(url, called(server), tls, **headers, **replaced)
        async with connected(account, simulator) as api:
            await ask(api)
        (head,) = proxy.heads
        account = of(proxy.url, called(server), tls, Proxy_Authorization=(Secret("Bearer t"),))
        async with connected(account, simulator) as api:
            await ask(api)
    lines = head.split("\r\n")
    assert "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" in lines
    assert [line for line in lines if line.startswith("X-Team")] == ["X-Team: one", "X-Team: two"]
    assert "Bearer" not in head
    assert "\r\nProxy-Authorization: Bearer t\r\n" in proxy.heads[1]
    assert "X-API-Key" in received
    assert not {"x-team", "proxy-authorization"} & {name.lower() for name in received}


@pytest.mark.parametrize(("status", "attempts"), [(407, 1), (403, 1), (502, 3)])
async def test_a_proxy_that_refuses_is_reported_with_its_status(
    simulator: Simulator, base_url: str, tmp_path: Path, status: int, attempts: int
) -> None:
    """No part of its credentials is in the message."""
    observer = Requests()
    async with (
        behind_tls(tmp_path, base_url) as (server, tls),
        connect_proxy(server.url) as proxy,
    ):
        proxy.status = status
        url = proxy.url.replace("//", "//user:CANARY@")
        async with connected(of(url, called(server), tls), simulator, observer) as api:
            with pytest.raises(UnreachableError) as caught:
                await ask(api)
            assert str(caught.value) == f"account: the proxy answered HTTP {status} to CONNECT"
            proxy.status = 200
            await ask(api)
    assert [code for *_, code in observer.seen] == ["error"] * attempts + ["200"]
    assert len(simulator.requests) == 1


async def test_a_proxy_that_cannot_be_reached_is_named_without_credentials(
    simulator: Simulator, base_url: str, tmp_path: Path
) -> None:
    address = free_address()
    async with behind_tls(tmp_path, base_url) as (server, tls):
        account = of(f"http://user:CANARY@{address}", called(server), tls)
        async with connected(account, simulator) as api:
            with pytest.raises(UnreachableError) as caught:
                await ask(api)
    assert str(caught.value).startswith(f"account: Cannot connect to the proxy {address} [")
    assert "CANARY" not in str(caught.value)
    assert "SSLContext" not in str(caught.value)


async def test_a_request_with_http_goes_to_loopback_without_the_proxy(
    simulator: Simulator, base_url: str
) -> None:
    """The API key would be readable by the proxy."""
    async with connect_proxy(base_url) as proxy:
        async with connected(of(proxy.url, base_url, Tls()), simulator) as api:
            await ask(api)
        assert proxy.heads == []
    assert len(simulator.requests) == 1
