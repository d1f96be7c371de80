"""The server around the simulated API: its address, and middlewares that change answers."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.simulator import Account, Simulator, curl_examples, serve
from tests.simulator.support import Client, client_of


@web.middleware
async def unavailable(request: web.Request, handler: Handler) -> web.StreamResponse:
    await handler(request)
    return web.Response(status=503, body=b"x" * 2000, headers={"Retry-After": "3"})


@web.middleware
async def streamed(request: web.Request, handler: Handler) -> web.StreamResponse:
    whole = await handler(request)
    response = web.StreamResponse(status=206, headers={"Content-Type": whole.content_type})
    await response.prepare(request)
    await response.write(b"part")
    return response


async def test_a_middleware_may_replace_an_answer(simulator: Simulator) -> None:
    """The simulator records the status that was sent, and compresses a large body."""
    async with serve(simulator, middlewares=[unavailable]) as url, client_of(url) as client:
        reply = await client.get("/api/agents")
    assert (reply.status, reply.headers["Retry-After"], reply.body) == (503, "3", b"x" * 2000)
    assert reply.headers["Content-Encoding"] == "gzip"
    assert [request.status for request in simulator.requests] == [503]


async def test_a_middleware_may_stream_an_answer(simulator: Simulator) -> None:
    async with serve(simulator, middlewares=[streamed]) as url, client_of(url) as client:
        assert (await client.get("/api/agents")).body == b"part"
    assert [request.status for request in simulator.requests] == [206]


async def test_a_request_without_an_answer_has_no_status(simulator: Simulator) -> None:
    waiting = asyncio.Event()

    @web.middleware
    async def hang(request: web.Request, handler: Handler) -> web.StreamResponse:
        waiting.set()
        await asyncio.Event().wait()
        return await handler(request)

    async with aiohttp.ClientSession() as session:
        async with serve(simulator, middlewares=[hang]) as url:
            request = asyncio.create_task(Client(session, url).get("/api/agents"))
            await waiting.wait()
        with pytest.raises(aiohttp.ClientError):
            await request
    assert {request.status for request in simulator.requests} == {None}


def test_curl_examples_ask_for_the_account_and_its_agents() -> None:
    assert curl_examples("http://127.0.0.1:8089", "k.e-y").splitlines() == [
        "curl -H 'X-API-Key: k.e-y' 'http://127.0.0.1:8089/api/accounts/me'",
        "curl -H 'X-API-Key: k.e-y' 'http://127.0.0.1:8089/api/agents?pageSize=1'",
    ]


async def test_a_port_in_use_is_an_error(simulator: Simulator) -> None:
    async with serve(simulator) as url:
        with pytest.raises(OSError, match="in use"):
            await serve(simulator, port=int(url.rpartition(":")[2])).__aenter__()


async def test_ipv6_addresses_are_in_brackets() -> None:
    simulator = Simulator(Account(name="test"))
    async with serve(simulator, host="::1") as url, aiohttp.ClientSession() as session:
        assert url.startswith("http://[::1]:")
        assert (await Client(session, url).get("/api/agents")).status == 200
