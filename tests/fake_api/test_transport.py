"""Answers that break while they are sent, and a server that closes while requests hang."""

import asyncio
import contextlib
import gzip
import time
import zlib

import aiohttp
import pytest

from tests.fake_api import Fault, Simulator, serve
from tests.fake_api.faults import (
    Bomb,
    CorruptGzip,
    CutBody,
    Effect,
    Hang,
    HangInBody,
    Huge,
    Raw,
    Reset,
    Status,
)
from tests.simulator.support import Client, client_of


async def test_a_reset_leaves_no_answer(client: Client, simulator: Simulator) -> None:
    """The client retries once: the server may have received two requests."""
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
async def test_corrupt_gzip_cannot_be_decompressed(
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


async def test_a_bomb_is_a_small_body_that_is_the_real_answer_when_it_is_decompressed(
    client: Client, simulator: Simulator
) -> None:
    """It has several members, as gzip allows; aiohttp decompresses all of them."""
    simulator.faults.add(Fault(effect=Bomb(mebibytes=3)))
    reply = await client.get("/api/agents")
    assert int(reply.headers["Content-Length"]) < 100_000
    assert (len(reply.body) > 3 * 1024 * 1024, reply.json()["results"]) == (True, [])


async def test_a_raw_response_is_sent_byte_for_byte(client: Client, simulator: Simulator) -> None:
    responses = iter([b"HTTP/1.1 201 Odd\r\n\r\nodd", b"HTTP/1.1 200 OK\r\n\r\n"])
    simulator.faults.add(Fault(effect=Raw(lambda: next(responses))))
    for expected in ((201, b"odd"), (200, b"")):
        reply = await client.get("/api/agents")
        assert (reply.status, reply.body) == expected
    assert [request.status for request in simulator.requests] == [200, 200]


@pytest.mark.parametrize("effect", [Hang(), HangInBody()])
async def test_a_client_may_close_a_request_that_hangs(
    client: Client, simulator: Simulator, effect: Effect
) -> None:
    """The server still answers other requests."""
    handle = simulator.faults.add(Fault(effect=effect))
    request = asyncio.create_task(client.get("/api/agents"))
    while not handle.hits:
        await asyncio.sleep(0)
    request.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await request
    simulator.faults.clear()
    assert (await client.get("/api/agents")).status == 200


async def test_a_client_may_close_in_the_middle_of_a_huge_body(
    client: Client, simulator: Simulator
) -> None:
    simulator.faults.add(Fault(effect=Huge(mebibytes=10_000), times=1))
    async with client.session.get(client.url + "/api/agents") as response:
        assert await response.content.readexactly(12) == b'{"padding":"'
    assert (await client.get("/api/agents")).status == 200


async def test_half_a_body_arrives_before_the_answer_hangs(simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=Status(500, body=b"abcdef")))
    simulator.faults.add(Fault(effect=HangInBody()))
    async with (
        serve(simulator) as url,
        client_of(url) as client,
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
        assert time.monotonic() - began < 30  # seconds; aiohttp waits for 60 by default
        with pytest.raises(aiohttp.ClientError):
            await request
