"""Pages, methods and paths, over real HTTP."""

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
from exporter.web import server
from exporter.web.address import Address
from exporter.web.server import MAX_SCRAPES, Site, abort, application, listen

LOOPBACK = (Address("127.0.0.1", 0),)
PAGE = "in {}\n" * 100


async def metrics(form: Format, *, gzip: bool) -> Body:
    """Return a small page."""
    parts = [PAGE.replace("{}", form.name).encode()]
    return await gzipped(parts) if gzip else plain(parts)


SITE = Site(
    telemetry_path="/metrics",
    metrics=metrics,
    overdue=list,
    ready=lambda: True,
)
OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}

Ask = Callable[..., AbstractAsyncContextManager[aiohttp.ClientResponse]]


@asynccontextmanager
async def served(site: Site = SITE) -> AsyncIterator[Ask]:
    """Serve a site and yield what asks it: `ask(method, path, **options)`."""
    async with (
        listen(application(site), LOOPBACK) as (address,),
        aiohttp.ClientSession(f"http://{address}") as session,
    ):
        yield session.request


async def test_metrics_come_in_the_format_asked_for() -> None:
    async with served() as ask:
        async with ask("GET", "/metrics") as response:
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert (await response.text()).startswith("in PROMETHEUS\n")
        async with ask("GET", "/metrics", headers=OPENMETRICS) as response:
            assert response.headers["Content-Type"] == (
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            )
            assert (await response.text()).startswith("in OPENMETRICS\n")
            assert response.headers["Vary"] == "Accept, Accept-Encoding"


async def test_metrics_are_compressed_for_those_who_ask() -> None:
    async with served() as ask:
        for wanted, given in (("gzip", "gzip"), ("deflate, gzip", "gzip"), ("gzip;q=0", None)):
            headers = {"Accept-Encoding": wanted}
            async with ask("GET", "/metrics", headers=headers) as response:
                assert response.headers.get("Content-Encoding") == given


async def test_what_is_no_http_is_one_quiet_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for sent in (b"\x16\x03\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"):
        with capture_logs() as lines:
            async with listen(application(SITE), LOOPBACK) as (address,):
                reader, writer = await asyncio.open_connection(address.host, address.port)
                writer.write(sent)
                assert (await reader.readline()).startswith(b"HTTP/1.0 400")
                writer.close()
                await writer.wait_closed()
        assert [(line["event"], line["log_level"]) for line in lines] == [("not_http", "debug")]
    assert not [record for record in caplog.records if record.name == "exporter.web.server"]


async def test_a_bug_in_a_page_is_an_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> list[str]:
        raise ZeroDivisionError

    async with served(replace(SITE, overdue=broken)) as ask, ask("GET", "/-/healthy") as response:
        assert response.status == 500
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.exc_info


async def test_gzip_has_its_length_too() -> None:
    async with served() as ask:
        for method in ("GET", "HEAD"):
            headers = {"Accept-Encoding": "gzip"}
            async with ask(method, "/metrics", headers=headers) as response:
                body = await gzipped([PAGE.replace("{}", "PROMETHEUS").encode()])
                assert response.headers["Content-Length"] == str(body.length)


async def test_only_so_many_scrapes_are_answered_at_once() -> None:
    go = asyncio.Event()

    async def slow(form: Format, *, gzip: bool) -> Body:
        await go.wait()
        return await metrics(form, gzip=gzip)

    async with served(replace(SITE, metrics=slow)) as ask:

        async def status() -> int:
            async with ask("GET", "/metrics") as response:
                return response.status

        scrapes = [asyncio.create_task(status()) for _ in range(MAX_SCRAPES + 1)]
        done, waiting = await asyncio.wait(scrapes, return_when=asyncio.FIRST_COMPLETED)
        assert [await each for each in done] == [503]
        async with ask("GET", "/-/healthy") as response:
            assert response.status == 200
        go.set()
        assert {await each for each in waiting} == {200}
        assert await status() == 200


async def test_who_goes_away_amid_the_page_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    async def large(form: Format, *, gzip: bool) -> Body:
        del form, gzip
        return plain([bytes(2**20)] * 100)

    application_of_one = application(replace(SITE, metrics=large))
    async with listen(application_of_one, LOOPBACK) as (address,):
        for _ in range(MAX_SCRAPES + 1):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            writer.transport.abort()
        whole = aiohttp.request(
            "GET", f"http://{address}/metrics", headers={"Accept-Encoding": "identity"}
        )
        async with whole as response:
            assert len(await response.read()) == 100 * 2**20
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_who_does_not_take_the_page_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """And holds up neither health nor other scrapes meanwhile; nothing of the page is left over."""
    monkeypatch.setattr(server, "SLOWEST_SCRAPE", 0.5)

    async def large(form: Format, *, gzip: bool) -> Body:
        del form, gzip
        return plain([bytes(2**20)] * 100)

    async with (
        listen(application(replace(SITE, metrics=large)), LOOPBACK) as (address,),
        aiohttp.ClientSession(f"http://{address}") as session,
    ):
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        # Its time has begun. The others may take as long as this machine does.
        monkeypatch.undo()
        async with session.get("/-/healthy") as response:
            assert response.status == 200
        async with session.get("/metrics", headers={"Accept-Encoding": "identity"}) as response:
            assert len(await response.read()) == 100 * 2**20
        await asyncio.sleep(1.0)
        taken = 0
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(2**20):
                taken += len(chunk)
        assert taken < 100 * 2**20
        writer.close()


def test_a_closed_connection_can_be_aborted() -> None:
    abort(None)


async def test_the_head_of_metrics_has_no_body() -> None:
    headers = {"Accept-Encoding": "identity"}
    async with served() as ask, ask("HEAD", "/metrics", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Length"] == str(len(PAGE.replace("{}", "PROMETHEUS")))
        assert await response.read() == b""


async def test_health_names_the_loops_that_hang() -> None:
    async with served() as ask, ask("GET", "/-/healthy") as response:
        assert (response.status, await response.text()) == (200, "healthy\n")
    hung = replace(SITE, overdue=lambda: ["agent main/a", "account main"])
    async with served(hung) as ask, ask("GET", "/-/healthy") as response:
        assert response.status == 503
        assert await response.text() == "hanging: agent main/a, account main\n"


async def test_readiness() -> None:
    async with served() as ask, ask("GET", "/-/ready") as response:
        assert (response.status, await response.text()) == (200, "ready\n")
    waiting = replace(SITE, ready=lambda: False)
    async with served(waiting) as ask, ask("GET", "/-/ready") as response:
        assert response.status == 503
        assert await response.text() == "not every agent has been polled yet\n"


async def test_the_landing_page_leads_on() -> None:
    async with served(replace(SITE, telemetry_path="/a<b")) as ask, ask("GET", "/") as response:
        assert response.content_type == "text/html"
        page = await response.text()
    assert 'href="/a&lt;b"' in page
    assert 'href="/-/healthy"' in page
    assert 'href="/-/ready"' in page


async def test_metrics_may_take_the_landing_page_s_place() -> None:
    async with served(replace(SITE, telemetry_path="/")) as ask, ask("GET", "/") as response:
        assert (await response.text()).startswith("in PROMETHEUS\n")


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_allowed(method: str, path: str) -> None:
    async with served() as ask, ask(method, path) as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize("path", ["/metric", "/metrics/", "/-/reload", "/favicon.ico"])
async def test_unknown_paths_are_not_found(path: str) -> None:
    async with served() as ask, ask("GET", path) as response:
        assert response.status == 404


async def test_several_addresses_serve_the_same() -> None:
    async with listen(application(SITE), LOOPBACK * 2) as addresses:
        assert len(set(addresses)) == 2
        for address in addresses:
            async with aiohttp.request("GET", f"http://{address}/-/healthy") as response:
                assert response.status == 200


async def test_an_address_that_is_taken_leaves_nothing_open() -> None:
    async with listen(application(SITE), LOOPBACK) as taken:
        with pytest.raises(ListenError):
            async with listen(application(SITE), [*LOOPBACK, *taken]):
                pass
