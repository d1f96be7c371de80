"""The application: /metrics, the landing page, health; and its listening."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from html import escape
from typing import Protocol

import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from exporter import __version__
from exporter.render.gzip_stream import Body
from exporter.render.text import Format
from exporter.web.address import Address, address_of
from exporter.web.negotiation import accepts_gzip, negotiate

log = structlog.get_logger()

HEALTHY_PATH = "/-/healthy"
READY_PATH = "/-/ready"

SHUTDOWN_GRACE = 0.5
"""Seconds that a slow scraper gets once the process is told to end."""

LANDING_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Ultravox batch exporter</title></head>
<body>
<h1>Ultravox batch exporter {version}</h1>
<p>Prometheus metrics about Ultravox scheduled call batches.</p>
<ul>
<li><a href="{metrics}">Metrics</a></li>
<li><a href="{healthy}">Health</a></li>
<li><a href="{ready}">Readiness</a></li>
</ul>
</body>
</html>
"""


class Metrics(Protocol):
    """What makes the page of metrics."""

    async def __call__(self, form: Format, *, gzip: bool) -> Body:
        """Return the page in a format, compressed or not."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages need. None of these may ask the API.

    `overdue` names the loops that hang; `ready` says whether every agent has been polled once.
    """

    telemetry_path: str
    metrics: Metrics
    overdue: Callable[[], list[str]]
    ready: Callable[[], bool]


_SITE = web.AppKey("site", Site)
_SCRAPES = web.AppKey("scrapes", asyncio.Semaphore)

MAX_SCRAPES = 8
"""Scrapes that are answered at once: a few replicas of Prometheus, and somebody who looks."""

SLOWEST_SCRAPE = 60.0
"""Seconds to take a page. Who is slower has given up, or never meant to read it."""


def application(site: Site) -> web.Application:
    """Return the application; paths it does not know are 404, methods it does not know 405."""
    app = web.Application()
    app[_SITE] = site
    app[_SCRAPES] = asyncio.Semaphore(MAX_SCRAPES)
    app.router.add_get(site.telemetry_path, _metrics)
    app.router.add_get(HEALTHY_PATH, _healthy)
    app.router.add_get(READY_PATH, _ready)
    if site.telemetry_path != "/":
        app.router.add_get("/", _landing)
    return app


async def _metrics(request: web.Request) -> web.StreamResponse:
    scrapes = request.app[_SCRAPES]
    if scrapes.locked():
        message = f"{MAX_SCRAPES} scrapes are being answered already\n"
        return web.Response(status=503, text=message, headers={hdrs.RETRY_AFTER: "1"})
    async with scrapes:
        return await _answer(request)


async def _answer(request: web.Request) -> web.StreamResponse:
    form = negotiate(request.headers.get(hdrs.ACCEPT, ""))
    gzip = accepts_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
    body = await request.app[_SITE].metrics(form, gzip=gzip)
    headers = {hdrs.CONTENT_TYPE: form.value, hdrs.VARY: "Accept, Accept-Encoding"}
    if gzip:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    response = web.StreamResponse(headers=headers)
    response.content_length = body.length
    try:
        async with asyncio.timeout(SLOWEST_SCRAPE):
            await response.prepare(request)
            if request.method != hdrs.METH_HEAD:
                async for chunk in body.chunks():
                    await response.write(chunk)
            await response.write_eof()
    except TimeoutError:
        log.debug("scrape_too_slow", remote=request.remote)
        abort(request.transport)
    except ConnectionError:
        log.debug("scraper_gone", remote=request.remote)
    return response


def abort(transport: asyncio.BaseTransport | None) -> None:
    """Close a connection without sending what is left; None is one that is closed already."""
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


async def _healthy(request: web.Request) -> web.Response:
    site = request.app[_SITE]
    if overdue := site.overdue():
        return web.Response(status=503, text=f"hanging: {', '.join(overdue)}\n")
    return web.Response(text="healthy\n")


async def _ready(request: web.Request) -> web.Response:
    site = request.app[_SITE]
    if site.ready():
        return web.Response(text="ready\n")
    return web.Response(status=503, text="not every agent has been polled yet\n")


async def _landing(request: web.Request) -> web.Response:
    site = request.app[_SITE]
    page = LANDING_PAGE.format(
        version=__version__,
        metrics=escape(site.telemetry_path),
        healthy=HEALTHY_PATH,
        ready=READY_PATH,
    )
    return web.Response(text=page, content_type="text/html")


class _NotHttp(logging.Filter):
    """Says in one line that what came in was no HTTP: whoever sent it is at fault, not we."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        log.debug("not_http", error=type(error).__name__)
        return False


_SERVER_LOG = logging.getLogger(__name__)
_SERVER_LOG.addFilter(_NotHttp())


@asynccontextmanager
async def listen(
    app: web.Application, addresses: Iterable[Address]
) -> AsyncIterator[list[Address]]:
    """Serve the application and yield where. Raises ListenError before anything is served."""
    async with AsyncExitStack() as stack:
        listeners = [stack.enter_context(address.bind()) for address in addresses]
        runner = web.AppRunner(
            app, access_log=None, logger=_SERVER_LOG, shutdown_timeout=SHUTDOWN_GRACE
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        for listener in listeners:
            await web.SockSite(runner, listener).start()
        yield [address_of(listener) for listener in listeners]
