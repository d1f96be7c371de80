"""A body is inflated piece by piece up to a limit, and few large bodies are in memory at once."""

import asyncio
import gzip
import tracemalloc
import zlib

import pytest

from exporter.api.body import PIECE, LargeBodies
from exporter.api.client import SMALL_PAGE_SIZE, Client
from exporter.api.deadline import Deadline
from exporter.errors import PayloadError, TooLargeError
from tests.fake_api import Fault, Simulator
from tests.fake_api import faults as f
from tests.support.answering import answering
from tests.support.builders import LATE, client

BODY = b'{"activeCalls": 4, "allowedConcurrentCalls": null}'


def response(body: bytes, encoding: str) -> bytes:
    """Return a response with a content encoding."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nContent-Encoding: {encoding}\r\n\r\n"
    return head.encode() + body


def bare_deflate(body: bytes) -> bytes:
    """Return a body compressed without the header of the zlib format, as some servers send it."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


async def active_calls(api: Client) -> int:
    """Ask for the account, once or with retries."""
    async with Deadline(LATE) as deadline:
        return (await api.account(deadline)).active_calls


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (BODY, "identity"),
        (gzip.compress(BODY), "gzip"),
        (gzip.compress(BODY), " X-GZip "),
        (gzip.compress(BODY[:9]) + gzip.compress(b"") + gzip.compress(BODY[9:]), "gzip"),
        (zlib.compress(BODY), "deflate"),
        (bare_deflate(BODY), "deflate"),
        (bare_deflate(BODY.ljust(200_000)), "deflate"),
        (gzip.compress(BODY.ljust(200_000)), "gzip"),
    ],
    ids=["plain", "gzip", "x-gzip", "members", "deflate", "bare", "bare-long", "gzip-long"],
)
async def test_encodings_are_read(body: bytes, encoding: str) -> None:
    async with answering(response(body, encoding)) as api:
        assert await active_calls(api) == 4


@pytest.mark.parametrize(
    ("body", "encoding", "message", "transient"),
    [
        (BODY, "gzip", "account: the body can't be inflated", False),
        (BODY, "br", "account: the body has the content encoding 'br': expected gzip", False),
        (gzip.compress(BODY)[:-9], "gzip", "account: the response broke off before its end", True),
        (gzip.compress(BODY) + b"more", "gzip", "account: the body can't be inflated", False),
    ],
    ids=["no-gzip", "br", "cut", "more"],
)
async def test_what_can_not_be_inflated_is_a_payload_error(
    body: bytes, encoding: str, message: str, *, transient: bool
) -> None:
    async with answering(response(body, encoding)) as api:
        with pytest.raises(PayloadError, match=message) as caught:
            await active_calls(api)
    assert caught.value.transient is transient


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_small_body_that_inflates_to_a_large_one_takes_little_memory(encoding: str) -> None:
    zeros = bytes(100 * 2**20)
    bomb = gzip.compress(zeros, 9) if encoding == "gzip" else zlib.compress(zeros, 9)
    del zeros
    async with answering(response(bomb, encoding)) as api:
        tracemalloc.start()
        with pytest.raises(TooLargeError, match="account: the body is larger than 262144 bytes"):
            await active_calls(api)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 2**20


async def test_a_listing_with_a_page_that_is_too_large_goes_on_with_small_pages(
    simulator: Simulator, base_url: str
) -> None:
    agent = simulator.add_agent()
    made = {simulator.create(agent, created=1e9 + index) for index in range(25)}
    simulator.faults.add(Fault(effect=f.Huge(5), times=1))
    async with client(simulator, base_url) as api, Deadline(LATE) as deadline:
        pages = [page async for page in api.batches(agent, deadline)]
    assert {record.batch_id for page in pages for record in page.results} == made
    assert [len(page.results) for page in pages] == [SMALL_PAGE_SIZE, SMALL_PAGE_SIZE, 5]


async def test_a_listing_whose_small_pages_are_too_large_fails(
    simulator: Simulator, base_url: str
) -> None:
    agent = simulator.add_agent()
    simulator.faults.add(Fault(effect=f.Huge(5)))
    async with client(simulator, base_url) as api, Deadline(LATE) as deadline:
        with pytest.raises(TooLargeError, match="scheduled_batches: the body is larger than 419"):
            await api.first_batches(agent, deadline)
    assert [each.query["pageSize"] for each in simulator.requests] == ["100", "10"]


async def test_one_large_body_of_an_account_and_few_of_all_are_in_memory_at_once() -> None:
    bodies = LargeBodies(concurrent=2)
    admitted: list[str] = []

    async def read(account: str, finish: asyncio.Event) -> None:
        async with bodies.admission(account) as admit:
            await admit()
            admitted.append(account)
            await finish.wait()

    ends = [asyncio.Event() for _ in range(4)]
    async with asyncio.TaskGroup() as tasks:
        for account, end in zip(("a", "a", "b", "c"), ends, strict=True):
            tasks.create_task(read(account, end))
        await settled()
        assert admitted == ["a", "b"]
        ends[2].set()
        await settled()
        assert admitted == ["a", "b", "c"]
        ends[0].set()
        await settled()
        assert admitted == ["a", "b", "c", "a"]
        ends[1].set()
        ends[3].set()


async def settled() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("more", [1, 100, 1000])
async def test_the_end_of_a_body_may_come_after_its_last_byte_was_read(more: int) -> None:
    """The decompressor has read all, and gives at most one piece at a time."""
    body = zlib.compress(b'{"results": []}'.ljust(PIECE + more))
    async with answering(response(body, "deflate")) as api, Deadline(LATE) as deadline:
        assert (await api.first_batches("a", deadline)).results == []
