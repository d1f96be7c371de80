"""Requests go to the base URL with the key, pages end, and each failure has its reason."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.api.body import LargeBodies
from exporter.api.client import Client, connect
from exporter.api.deadline import Deadline
from exporter.api.decoding import Page
from exporter.api.pagination import MAX_PAGES, pages_of
from exporter.api.rate_limit import MAX_REQUESTS
from exporter.api.retry import QUICK
from exporter.api.schemas import AccountRecord
from exporter.api.transport import MAX_HEADER
from exporter.config import Account, Key, Secret, read_key
from exporter.errors import (
    ApiError,
    AuthError,
    LoopError,
    NotFoundError,
    PayloadError,
    RateLimitedError,
    StatusError,
    TimedOutError,
    UnreachableError,
    UnreadableRecord,
)
from exporter.simulator import Account as SimulatedAccount
from tests.fake_api import Fault, Simulator, serve
from tests.fake_api import faults as f
from tests.support.answering import answering
from tests.support.builders import LATE, Requests, client, connecting
from tests.support.virtual import VirtualLoop


async def listed(simulator: Simulator, base_url: str, agent_id: str) -> list[str]:
    """Return the ids of all batches, page after page."""
    async with client(simulator, base_url) as api, Deadline(LATE) as deadline:
        pages = api.batches(agent_id, deadline)
        return [record.batch_id async for page in pages for record in page.results]


async def account(api: Client) -> AccountRecord:
    """Return the account."""
    async with Deadline(LATE) as deadline:
        return await api.account(deadline)


async def test_pages_are_followed_to_the_last(simulator: Simulator, base_url: str) -> None:
    agent = simulator.add_agent()
    made = {simulator.create(agent, created=1e9 + index) for index in range(250)}
    ids = await listed(simulator, base_url, agent)
    assert set(ids) == made
    assert len(ids) == 250
    assert [request.query.get("pageSize") for request in simulator.requests] == ["100"] * 3


async def test_a_server_may_send_smaller_pages_than_asked() -> None:
    simulator = Simulator(SimulatedAccount(name="small"), max_page_size=7)
    agent = simulator.add_agent()
    made = {simulator.create(agent) for _ in range(20)}
    async with serve(simulator) as base_url:
        assert set(await listed(simulator, base_url, agent)) == made


@pytest.mark.parametrize("effect", [f.EmptyNext(), f.NoLinks(), f.NoTotal()])
async def test_ways_to_end_a_listing(simulator: Simulator, base_url: str, effect: f.Effect) -> None:
    agent = simulator.add_agent()
    made = {simulator.create(agent) for _ in range(120)}
    simulator.faults.add(Fault(effect=effect))
    assert set(await listed(simulator, base_url, agent)) == made


async def test_an_agent_its_name_and_the_account(simulator: Simulator, base_url: str) -> None:
    named, nameless = simulator.add_agent("Renewals"), simulator.add_agent()
    async with client(simulator, base_url) as api, Deadline(LATE) as deadline:
        assert (await api.agent(named, deadline)).name == "Renewals"
        assert (await api.agent(nameless, deadline)).name is None
        ids = {each.agent_id async for page in api.agents(deadline) for each in page.results}
        assert ids == {named, nameless}
        me = await account(api)
        assert (me.active_calls, me.allowed_concurrent_calls) == (0, None)


TOTALS: list[tuple[list[tuple[int, int | None]], bool]] = [
    ([(0, None)], True),
    ([(0, 0)], True),
    ([(0, 1)], False),
    ([(3, 3)], True),
    ([(3, 4)], False),
    ([(3, 2)], True),
    ([(3, None)], True),
    ([(3, 6), (3, 6)], True),
    ([(3, 7), (3, 7)], True),
    ([(3, 8), (3, 8)], False),
    ([(3, 99), (3, 6)], True),
    ([(3, 6), (3, 99)], True),
    ([(3, 99), (0, 0)], False),
    ([(3, None), (0, 4)], True),
    ([(0, 4), (4, None)], True),
    ([(0, 4), (0, None)], False),
]


@pytest.mark.parametrize(("pages", "agrees"), TOTALS)
async def test_a_complete_listing_has_as_many_records_as_its_total(
    pages: list[tuple[int, int | None]], *, agrees: bool
) -> None:
    """Records may come and go between two pages; unreadable records are records."""
    bad = UnreadableRecord(None, "", "")

    async def fetch(cursor: str | None) -> Page[int]:
        number = int(cursor or 0)
        records, total = pages[number]
        following = f"https://x.example/?cursor={number + 1}" if number + 1 < len(pages) else None
        return Page([0] * (records - 1), following, total, (bad,) * min(records, 1))

    reading = pages_of(fetch)
    for _ in pages:
        await anext(reading)
    with pytest.raises(StopAsyncIteration if agrees else PayloadError):
        await anext(reading)


async def test_the_key_never_follows_a_foreign_next(simulator: Simulator, base_url: str) -> None:
    """`next` names another host: the listing goes on at the configured one, alone."""
    agent = simulator.add_agent()
    made = {simulator.create(agent) for _ in range(250)}
    other = Simulator(SimulatedAccount(name="other"))
    async with serve(other) as foreign:
        simulator.faults.add(Fault(effect=f.ForeignNext(foreign)))
        assert set(await listed(simulator, base_url, agent)) == made
    assert other.requests == []


async def test_no_redirect_is_followed(simulator: Simulator, base_url: str) -> None:
    agent = simulator.add_agent()
    other = Simulator(SimulatedAccount(name="other"))
    async with serve(other) as foreign:
        simulator.faults.add(Fault(effect=f.Redirect(foreign + "/api/accounts/me")))
        with pytest.raises(StatusError, match="answered HTTP 302"):
            await listed(simulator, base_url, agent)
    assert other.requests == []


async def test_an_id_is_one_segment_of_the_path(simulator: Simulator, base_url: str) -> None:
    with pytest.raises(NotFoundError):
        await listed(simulator, base_url, "../accounts/ä&x")
    assert simulator.requests[0].path == "/api/agents/../accounts/ä&x/scheduled_batches"


@pytest.mark.parametrize("ident", [".", ".."])
async def test_an_id_that_names_another_path_is_refused(
    simulator: Simulator, base_url: str, ident: str
) -> None:
    with pytest.raises(PayloadError, match="is not an id"):
        await listed(simulator, base_url, ident)
    async with client(simulator, base_url) as api, Deadline(LATE) as deadline:
        with pytest.raises(PayloadError, match="is not an id"):
            await api.calls("agent", ident, "ERROR", deadline)
    assert simulator.requests == []


async def test_a_repeating_cursor_ends_the_listing(simulator: Simulator, base_url: str) -> None:
    agent = simulator.add_agent()
    for _ in range(250):
        simulator.create(agent)
    simulator.faults.add(Fault(page=2, effect=f.RepeatNext()))
    with pytest.raises(LoopError, match="a cursor repeats after 2 pages"):
        await listed(simulator, base_url, agent)
    assert len(simulator.requests) == 2


async def test_a_listing_with_too_many_pages_ends() -> None:
    """Every page names a cursor never seen before."""

    async def fetch(cursor: str | None) -> Page[object]:
        return Page([], next=f"https://x.example/?cursor={int(cursor or 0) + 1}")

    pages = [0]
    with pytest.raises(LoopError, match=f"no last page after {MAX_PAGES} pages"):
        await count(pages_of(fetch), pages)
    assert pages == [MAX_PAGES]


async def count(listing: AsyncIterator[object], pages: list[int]) -> None:
    """Read a listing to its end, counting as it goes."""
    async for _ in listing:
        pages[0] += 1


REFUSALS: list[tuple[f.Effect, type[ApiError], str, int]] = [
    (f.Status(401), AuthError, "401", 1),
    (f.Status(403), AuthError, "403", 1),
    (f.Status(404), NotFoundError, "404", 1),
    (f.Status(429), RateLimitedError, "429", 3),
    (f.Status(402), StatusError, "402", 1),
    (f.Status(500), StatusError, "500", 3),
    (f.Status(501), StatusError, "501", 1),
    (f.Status(502, body="<html>", content_type="text/html"), StatusError, "502", 3),
    (f.Status(503), StatusError, "503", 3),
    (f.Status(504), StatusError, "504", 3),
    (f.Status(204), StatusError, "204", 1),
    (f.NotJson(), PayloadError, "200", 1),
    (f.WrongType("totalCount", "ten"), PayloadError, "200", 1),
    (f.Missing("completedCount"), PayloadError, "200", 1),
    (f.Replace([]), PayloadError, "200", 1),
    (f.CutBody(), PayloadError, "error", 3),
    (f.CorruptGzip(), PayloadError, "error", 3),
    (f.CorruptGzip(garbage=True), PayloadError, "error", 1),
    (f.Reset(), UnreachableError, "error", 3),
    (f.Hang(), TimedOutError, "error", 3),
    (f.HangInBody(), TimedOutError, "error", 3),
]


@pytest.mark.parametrize(
    ("effect", "error", "code", "attempts"), REFUSALS, ids=lambda value: repr(value)[:30]
)
async def test_each_failure_has_its_reason_and_its_attempts_and_is_counted(
    simulator: Simulator,
    base_url: str,
    effect: f.Effect,
    error: type[ApiError],
    code: str,
    attempts: int,
) -> None:
    """The server sees as many requests as are counted: no other part retries."""
    agent = simulator.add_agent()
    simulator.create(agent)
    simulator.faults.add(Fault(effect=effect))
    observer = Requests()
    patience = 0.6 if error is TimedOutError else 60.0
    async with connecting(base_url, simulator.api_key, observer, poll_timeout=patience) as api:
        with pytest.raises(ApiError) as caught:
            async with Deadline(LATE) as deadline:
                await api.first_batches(agent, deadline)
    assert type(caught.value) is error
    assert observer.seen == [("main", "scheduled_batches", code)] * attempts
    assert observer.retries == [error.reason] * (attempts - 1)
    assert len(simulator.requests) == attempts


async def test_a_wrong_key_is_an_auth_error(base_url: str) -> None:
    async with connecting(base_url, "wrong") as api:
        with pytest.raises(AuthError, match="account: the API answered HTTP 403"):
            await account(api)


async def test_a_refused_connection_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with connecting(f"http://127.0.0.1:{port}") as api:
        with pytest.raises(UnreachableError, match="account: Cannot connect"):
            await account(api)


async def test_a_response_that_is_not_http_is_a_payload_error() -> None:
    async with answering(b"SSH-2.0-OpenSSH_9.2\r\n\r\n") as api:
        with pytest.raises(PayloadError, match="not valid HTTP"):
            await account(api)


def with_headers(*headers: str) -> bytes:
    """Return a good response about the account, with more headers."""
    body = '{"activeCalls": 0, "allowedConcurrentCalls": null}'
    head = ("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join((*head, "", body)).encode()


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Security-Policy: " + "x" * (MAX_HEADER - 100)],
        [f"Set-Cookie: name{number}={'x' * 4000}" for number in range(100)],
    ],
    ids=["one", "many"],
)
async def test_long_headers_are_read(headers: list[str]) -> None:
    async with answering(with_headers(*headers)) as api:
        assert (await account(api)).active_calls == 0


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (["X: " + "x" * (MAX_HEADER + 1)], "account: a header .* is larger than 65536 bytes"),
        (["X: x"] * 1000, "account: the response has too many headers"),
    ],
    ids=["too-long", "too-many"],
)
async def test_headers_beyond_the_limits_are_a_payload_error(
    headers: list[str], message: str
) -> None:
    async with answering(with_headers(*headers)) as api:
        with pytest.raises(PayloadError, match=message):
            await account(api)


@pytest.mark.parametrize("host", ["a..b", "a" * 64])
async def test_a_host_name_that_python_cannot_encode_is_unreachable(host: str) -> None:
    """The configuration refuses it. No such error may end the process all the same."""
    async with connecting(f"https://{host}") as api:
        with pytest.raises(UnreachableError, match="account: the host name can't be looked up"):
            await account(api)


async def test_a_cancelled_request_is_counted_as_an_error(
    simulator: Simulator, base_url: str
) -> None:
    simulator.faults.add(Fault(effect=f.HangInBody()))
    observer = Requests()
    async with client(simulator, base_url, observer) as api:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await account(api)
    assert observer.seen == [("main", "account", "error")]


async def test_at_most_four_requests_run_at_once(simulator: Simulator, base_url: str) -> None:
    simulator.faults.add(Fault(effect=f.Hang()))
    async with client(simulator, base_url) as api:
        tasks = [asyncio.create_task(account(api)) for _ in range(9)]
        while len(simulator.requests) < MAX_REQUESTS:
            await asyncio.sleep(0.01)
        # A fifth request, if one could begin, would reach the server before one of another client.
        async with client(simulator, base_url) as other:
            tasks.append(asyncio.create_task(account(other)))
            while len(simulator.requests) == MAX_REQUESTS:
                await asyncio.sleep(0.01)
            assert len(simulator.requests) == MAX_REQUESTS + 1
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_requests_wait_for_the_rate_limit(simulator: Simulator, base_url: str) -> None:
    """Two a second, the first two at once: the third waits half a second, which is counted."""
    observer = Requests()
    limited = Account("main", base_url=base_url, requests_per_second=2.0, api_key_env="KEY")
    clock = asyncio.get_running_loop().time
    key = Key("main", Secret(simulator.api_key))
    async with connect(limited, key, observer, 5.0, LargeBodies()) as api:
        began = clock()
        await asyncio.gather(*(account(api) for _ in range(3)))
        assert clock() - began >= 0.45
    assert observer.waited >= 0.45
    assert len(observer.seen) == 3


async def test_a_base_url_may_have_a_path(simulator: Simulator, base_url: str) -> None:
    async with connecting(base_url + "/proxy") as api:
        with pytest.raises(NotFoundError):
            await account(api)
    assert simulator.requests[0].path == "/proxy/api/accounts/me"


async def test_records_that_come_and_go_between_pages(simulator: Simulator, base_url: str) -> None:
    """5,000 batches over 50 pages: each that is there throughout is listed once."""
    agent = simulator.add_agent()
    made = [simulator.create(agent, created=1e9 + index // 3) for index in range(5000)]
    doomed = iter(made[10::100])
    gone: set[str] = set()
    come: set[str] = set()

    def change() -> None:
        victim = next(doomed)
        gone.add(victim)
        simulator.delete(victim)
        come.add(simulator.create(agent, created=1e9 + 5000 + len(come)))

    simulator.faults.add(Fault(effect=f.Before(change)))
    ids = await listed(simulator, base_url, agent)
    assert len(simulator.requests) == 50
    stayed = set(made) - gone
    assert stayed <= set(ids) <= set(made) | come
    assert len([each for each in ids if each in stayed]) == len(stayed)


async def test_a_new_key_takes_over_when_the_old_one_is_refused(
    simulator: Simulator, base_url: str, tmp_path: Path
) -> None:
    """The refused request is retried with it; without a new key it is not retried."""
    path = tmp_path / "key"
    path.write_text("old")
    made = Account("main", base_url=base_url, api_key_file=str(path))
    observer = Requests()
    async with connect(made, read_key(made, {}), observer, 5.0, LargeBodies()) as api:
        with pytest.raises(AuthError):
            await account(api)
        assert len(simulator.requests) == 1
        simulator.faults.add(Fault(effect=f.After(lambda: path.write_text(simulator.api_key))))
        await account(api)
    assert [code for *_, code in observer.seen] == ["403", "403", "200"]
    assert observer.retries == ["auth"]


async def test_the_number_of_calls_in_a_status(simulator: Simulator, base_url: str) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent, total_count=10, completed_count=4)
    async with client(simulator, base_url) as api, Deadline(LATE) as deadline:
        assert await api.calls(agent, batch, "PENDING", deadline) == 6
        assert simulator.requests[-1].query == {"status": "PENDING", "pageSize": "1"}
        simulator.faults.add(Fault(effect=f.NoTotal()))
        assert await api.calls(agent, batch, "PENDING", deadline) is None


DATED = b"HTTP/1.1 200 OK\r\nDate: %b\r\nContent-Length: %d\r\n\r\n%b"
ACCOUNT_BODY = b'{"activeCalls": 1, "allowedConcurrentCalls": null}'


@pytest.mark.parametrize(
    ("date", "offset"),
    [
        (b"Sun, 06 Nov 1994 08:49:37 GMT", 99.5),
        (b"Sun, 06 Nov 1994 08:51:17 GMT", -0.5),
        (b"yesterday", None),
    ],
    ids=["ahead", "equal", "unreadable"],
)
async def test_the_date_of_a_response_shows_how_far_a_clock_is_off(
    date: bytes, offset: float | None
) -> None:
    """The second has no fraction in a date, so its middle is taken."""
    now = 784_111_777.0 + 100.0
    async with answering(DATED % (date, len(ACCOUNT_BODY), ACCOUNT_BODY)) as api:
        assert api.server_clock.offset(now) is None
        await account(api)
        found = api.server_clock.offset(now)
    assert found is None if offset is None else found == pytest.approx(offset, abs=0.5)


def test_a_slow_response_shows_nothing_about_a_clock() -> None:
    """It was written some time before it ended."""

    async def offsets(loop: VirtualLoop) -> list[float | None]:
        simulator = Simulator(SimulatedAccount(name="slow"))
        fault = simulator.faults.add(Fault(effect=f.Delay(QUICK + 1)))
        async with serve(simulator) as base_url, client(simulator, base_url) as api:
            await account(api)
            slow = api.server_clock.offset(loop.wall_clock())
            fault.remove()
            await account(api)
            await asyncio.sleep(1000)
            return [slow, api.server_clock.offset(loop.wall_clock() - 500)]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        slow, quick = runner.run(offsets(loop))
    assert slow is None
    # The server's date is the real time, and the loop's clock began when the tests did.
    assert quick is not None
    assert quick < 500
