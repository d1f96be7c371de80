"""Responses, methods and paths, over real HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from structlog.testing import capture_logs

from exporter.errors import ListenError
from exporter.render.gzip_stream import Body, gzipped, plain
from exporter.render.text import Format
from exporter.web.address import Address
from exporter.web.server import (
    DEFAULT_LIMITS,
    ScrapeLimits,
    Site,
    abort,
    application,
    listen,
    scrape_seconds,
)

LOOPBACK = (Address("127.0.0.1", 0),)
TEXT = "in {}\n" * 100
LARGE = 100 * 2**20
"""Bytes of a body that no socket buffer takes whole."""


async def metrics(text_format: Format, *, gzip: bool) -> Body:
    """Return a small body."""
    texts = [TEXT.replace("{}", text_format.name).encode()]
    return await gzipped(texts) if gzip else plain(texts)


async def large(text_format: Format, *, gzip: bool) -> Body:
    """Return a body of LARGE bytes, never compressed."""
    del text_format, gzip
    return plain([bytes(2**20)] * 100)


SITE = Site(
    telemetry_path="/metrics",
    metrics=metrics,
    overdue=list,
    ready=lambda: True,
)
LARGE_SITE = replace(SITE, metrics=large)
OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}

Request = Callable[..., AbstractAsyncContextManager[aiohttp.ClientResponse]]


@asynccontextmanager
async def served(
    site: Site = SITE, limits: ScrapeLimits = DEFAULT_LIMITS
) -> AsyncIterator[Request]:
    """Serve a site, and yield the function `request(method, path, **options)`."""
    async with (
        listen(application(site, limits), LOOPBACK) as (address,),
        aiohttp.ClientSession(f"http://{address}") as session,
    ):
        yield session.request


async def test_metrics_come_in_the_format_asked_for() -> None:
    async with served() as request:
        async with request("GET", "/metrics") as response:
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert (await response.text()).startswith("in PROMETHEUS\n")
        async with request("GET", "/metrics", headers=OPENMETRICS) as response:
            assert response.headers["Content-Type"] == (
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            )
            assert (await response.text()).startswith("in OPENMETRICS\n")
            assert response.headers["Vary"] == "Accept, Accept-Encoding"


async def test_metrics_are_compressed_if_the_request_accepts_it() -> None:
    async with served() as request:
        for wanted, given in (("gzip", "gzip"), ("deflate, gzip", "gzip"), ("gzip;q=0", None)):
            headers = {"Accept-Encoding": wanted}
            async with request("GET", "/metrics", headers=headers) as response:
                assert response.headers.get("Content-Encoding") == given


async def test_a_request_that_is_not_http_is_one_debug_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    for sent in (b"\x16\x03\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"):
        with capture_logs() as lines:
            async with listen(application(SITE), LOOPBACK) as (address,):
                reader, writer = await asyncio.open_connection(address.host, address.port)
                writer.write(sent)
                assert (await reader.readline()).startswith(b"HTTP/1.0 400")
                writer.close()
                await writer.wait_closed()
        assert [(line["event"], line["log_level"]) for line in lines] == [
            ("request_rejected", "debug")
        ]
    assert not [record for record in caplog.records if record.name == "exporter.web.server"]


async def test_a_bug_in_a_handler_is_an_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> list[str]:
        raise ZeroDivisionError

    async with (
        served(replace(SITE, overdue=broken)) as request,
        request("GET", "/-/healthy") as response,
    ):
        assert response.status == 500
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.exc_info


async def test_a_compressed_response_announces_its_length() -> None:
    async with served() as request:
        for method in ("GET", "HEAD"):
            headers = {"Accept-Encoding": "gzip"}
            async with request(method, "/metrics", headers=headers) as response:
                body = await gzipped([TEXT.replace("{}", "PROMETHEUS").encode()])
                assert response.headers["Content-Length"] == str(body.length)


async def test_scrapes_beyond_the_limit_are_answered_with_503() -> None:
    go = asyncio.Event()

    async def slow(text_format: Format, *, gzip: bool) -> Body:
        await go.wait()
        return await metrics(text_format, gzip=gzip)

    async with served(replace(SITE, metrics=slow), ScrapeLimits(concurrent=2)) as request:

        async def scrape() -> tuple[int, str | None, str]:
            async with request("GET", "/metrics") as response:
                retry_after = response.headers.get("Retry-After")
                return response.status, retry_after, await response.text()

        scrapes = [asyncio.create_task(scrape()) for _ in range(3)]
        done, waiting = await asyncio.wait(scrapes, return_when=asyncio.FIRST_COMPLETED)
        refused = (503, "1", "too many scrapes: 2 at once, 2 of one address; retry in 1 s\n")
        assert [await each for each in done] == [refused]
        async with request("GET", "/-/healthy") as response:
            assert response.status == 200
        go.set()
        assert {(await each)[0] for each in waiting} == {200}
        assert (await scrape())[0] == 200


async def open_scrape(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request for /metrics and return the connection; nothing is read from it yet."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    return reader, writer


async def scraped(address: Address) -> int:
    """Return the number of bytes of a scrape's body."""
    headers = {"Accept-Encoding": "identity"}
    async with aiohttp.request("GET", f"http://{address}/metrics", headers=headers) as response:
        return len(await response.read())


async def test_a_scraper_that_disconnects_takes_no_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = application(LARGE_SITE, ScrapeLimits(concurrent=1))
    with capture_logs() as logged:
        async with listen(app, LOOPBACK) as (address,):
            for number in range(1, 4):
                reader, writer = await open_scrape(address)
                assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
                writer.transport.abort()
                while len(logged) < number:
                    await asyncio.sleep(0.001)
            assert await scraped(address) == LARGE
    assert [line["event"] for line in logged] == ["scraper_disconnected"] * 3
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_scraper_that_does_not_read_delays_no_one_else() -> None:
    async with listen(application(LARGE_SITE), LOOPBACK) as (address,):
        reader, writer = await open_scrape(address)
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        async with aiohttp.request("GET", f"http://{address}/-/healthy") as response:
            assert response.status == 200
        assert await scraped(address) == LARGE
        writer.transport.abort()


async def test_a_scrape_is_aborted_at_its_time_limit() -> None:
    """The connection is closed without the rest of the body, and the next scrape is answered."""
    limits = ScrapeLimits(concurrent=1, seconds=0.0)
    with capture_logs() as logged:
        async with listen(application(LARGE_SITE, limits), LOOPBACK) as (address,):
            reader, writer = await open_scrape(address)
            while not logged:
                await asyncio.sleep(0.001)
            received = 0
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(2**20):
                    received += len(data)
            assert received < LARGE
            writer.close()
            async with aiohttp.request("HEAD", f"http://{address}/metrics") as response:
                assert response.status == 200
    assert [(line["event"], line["log_level"]) for line in logged] == [("scrape_aborted", "debug")]


async def test_a_scraper_that_does_not_read_makes_room_for_the_next_scrape() -> None:
    """The one that has waited longest is ended, and no other."""
    with capture_logs() as logged:
        async with listen(application(LARGE_SITE, ScrapeLimits(concurrent=2)), LOOPBACK) as (
            address,
        ):
            slow = [await open_scrape(address) for _ in range(2)]
            for reader, _ in slow:
                assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            assert await scraped(address) == LARGE
            for _, writer in slow:
                writer.transport.abort()
    first, *_ = logged
    assert (first["event"], first["reason"], first["log_level"]) == (
        "scrape_aborted",
        "displaced",
        "debug",
    )
    assert [line["event"] for line in logged].count("scrape_aborted") == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("10", 10.0), ("0.5", 0.5), ("90", 60.0)]
    + [(each, 60.0) for each in ("", "soon", "-1", "0", "inf", "nan", "1e999")],
)
def test_the_time_limit_of_a_scrape_is_that_of_its_header(header: str, seconds: float) -> None:
    assert scrape_seconds(header, 60.0) == seconds


async def test_a_scrape_is_aborted_when_its_scraper_waits_no_longer() -> None:
    with capture_logs() as logged:
        async with listen(application(LARGE_SITE), LOOPBACK) as (address,):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(
                b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
                b"X-Prometheus-Scrape-Timeout-Seconds: 0.01\r\n\r\n"
            )
            while not logged:
                await asyncio.sleep(0.001)
            writer.transport.abort()
            del reader
    assert [(line["event"], line["reason"]) for line in logged] == [("scrape_aborted", "timeout")]


def test_a_closed_connection_can_be_aborted() -> None:
    abort(None)


async def test_the_head_of_metrics_has_no_body() -> None:
    headers = {"Accept-Encoding": "identity"}
    async with served() as request, request("HEAD", "/metrics", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Length"] == str(len(TEXT.replace("{}", "PROMETHEUS")))
        assert await response.read() == b""


async def test_health_names_the_jobs_that_are_overdue() -> None:
    async with served() as request, request("GET", "/-/healthy") as response:
        assert (response.status, await response.text()) == (200, "healthy\n")
    overdue = replace(SITE, overdue=lambda: ["agent main/a", "account main"])
    async with served(overdue) as request, request("GET", "/-/healthy") as response:
        assert response.status == 503
        assert await response.text() == "unhealthy: overdue jobs: agent main/a, account main\n"


async def test_readiness() -> None:
    async with served() as request, request("GET", "/-/ready") as response:
        assert (response.status, await response.text()) == (200, "ready\n")
    waiting = replace(SITE, ready=lambda: False)
    async with served(waiting) as request, request("GET", "/-/ready") as response:
        assert response.status == 503
        assert await response.text() == "not ready: waiting for the first poll of every agent\n"


async def test_the_landing_page_links_to_the_other_paths() -> None:
    async with (
        served(replace(SITE, telemetry_path="/a<b")) as request,
        request("GET", "/") as response,
    ):
        assert response.content_type == "text/html"
        page = await response.text()
    assert 'href="/a&lt;b"' in page
    assert 'href="/-/healthy"' in page
    assert 'href="/-/ready"' in page


async def test_metrics_may_be_served_instead_of_the_landing_page() -> None:
    async with (
        served(replace(SITE, telemetry_path="/")) as request,
        request("GET", "/") as response,
    ):
        assert (await response.text()).startswith("in PROMETHEUS\n")


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_allowed(method: str, path: str) -> None:
    async with served() as request, request(method, path) as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize("path", ["/metric", "/metrics/", "/-/reload", "/favicon.ico"])
async def test_unknown_paths_are_not_found(path: str) -> None:
    async with served() as request, request("GET", path) as response:
        assert response.status == 404


async def test_several_addresses_serve_the_same() -> None:
    async with listen(application(SITE), LOOPBACK * 2) as addresses:
        assert len(set(addresses)) == 2
        for address in addresses:
            async with aiohttp.request("GET", f"http://{address}/-/healthy") as response:
                assert response.status == 200


async def test_after_an_address_in_use_no_socket_is_left_open() -> None:
    async with listen(application(SITE), LOOPBACK) as taken:
        with pytest.raises(ListenError):
            async with listen(application(SITE), [*LOOPBACK, *taken]):
                pass
