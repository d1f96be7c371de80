"""Answers that go wrong on their way, and a server that closes whatever its clients do."""

import asyncio
import contextlib
import gzip
import time
import zlib

import aiohttp
import pytest

from exporter.simulator import Account, Fault, Simulator, serve
from exporter.simulator.faults import (
    CorruptGzip,
    CutBody,
    Effect,
    Hang,
    HangInBody,
    Huge,
    Reset,
    Status,
)
from tests.simulator.support import Client, visiting


async def test_a_reset_leaves_no_answer(client: Client, simulator: Simulator) -> None:
    """The client of aiohttp asks once more before it gives up: two requests may have come in."""
    simulator.faults.add(Fault(effect=Reset()))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.get("/api/agents")
    assert {request.status for request in simulator.requests} == {None}


async def test_a_cut_body_is_shorter_than_announced(client: Client, simulator: Simulator) -> None:
    simulator.add_agent()
    simulator.faults.add(Fault(effect=CutBody()))
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.get("/api/agents")
    assert [request.status for request in simulator.requests] == [200]


async def test_a_huge_body_is_still_json(client: Client, simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=Huge(mebibytes=2)))
    reply = await client.get("/api/agents")
    assert len(reply.body) > 2 * 1024 * 1024
    assert "Content-Length" not in reply.headers
    assert reply.json()["results"] == []


@pytest.mark.parametrize(("garbage", "error"), [(False, EOFError), (True, gzip.BadGzipFile)])
async def test_corrupt_gzip_can_not_be_read(
    simulator: Simulator, garbage: bool, error: type[Exception]
) -> None:
    simulator.faults.add(Fault(effect=CorruptGzip(garbage=garbage)))
    headers = {"X-API-Key": simulator.api_key}
    async with (
        serve(simulator) as url,
        aiohttp.ClientSession(auto_decompress=False, headers=headers) as session,
        session.get(url + "/api/agents") as response,
    ):
        assert response.headers["Content-Encoding"] == "gzip"
        body = await response.read()
    with pytest.raises((error, zlib.error)):
        gzip.decompress(body)


@pytest.mark.parametrize("effect", [Hang(), HangInBody()])
async def test_a_client_may_leave_what_hangs(
    client: Client, simulator: Simulator, effect: Effect
) -> None:
    """And the server goes on with the others."""
    handle = simulator.faults.add(Fault(effect=effect))
    request = asyncio.create_task(client.get("/api/agents"))
    while not handle.hits:
        await asyncio.sleep(0)
    request.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await request
    simulator.faults.clear()
    assert (await client.get("/api/agents")).status == 200


async def test_a_client_may_leave_in_the_middle_of_a_huge_body(
    client: Client, simulator: Simulator
) -> None:
    simulator.faults.add(Fault(effect=Huge(mebibytes=10_000), times=1))
    async with client.session.get(client.url + "/api/agents") as response:
        assert await response.content.readexactly(12) == b'{"padding":"'
    assert (await client.get("/api/agents")).status == 200


async def test_half_a_body_arrives_before_the_silence(simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=Status(500, body=b"abcdef")))
    simulator.faults.add(Fault(effect=HangInBody()))
    async with (
        visiting(simulator) as client,
        client.session.get(client.url + "/api/agents") as response,
    ):
        assert (response.status, response.content_length) == (500, 6)
        assert await response.content.readexactly(3) == b"abc"
        assert simulator.requests[0].status == 500


@pytest.mark.parametrize("effect", [Hang(), HangInBody()])
async def test_the_server_closes_while_requests_hang(simulator: Simulator, effect: Effect) -> None:
    handle = simulator.faults.add(Fault(effect=effect))
    async with aiohttp.ClientSession() as session:
        async with serve(simulator) as url:
            request = asyncio.create_task(Client(session, url).get("/api/agents"))
            while not handle.hits:
                await asyncio.sleep(0)
            began = time.monotonic()
        assert time.monotonic() - began < 5  # far more than it takes: no proof of speed
        with pytest.raises(aiohttp.ClientError):
            await request


async def test_a_port_in_use_is_an_error(simulator: Simulator) -> None:
    async with serve(simulator) as url:
        with pytest.raises(OSError, match="in use"):
            await serve(simulator, port=int(url.rpartition(":")[2])).__aenter__()


async def test_ipv6_addresses_stand_in_brackets() -> None:
    simulator = Simulator(Account(name="test"))
    async with serve(simulator, host="::1") as url, aiohttp.ClientSession() as session:
        assert url.startswith("http://[::1]:")
        assert (await Client(session, url).get("/api/agents")).status == 200
