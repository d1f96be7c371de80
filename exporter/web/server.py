"""The application: /metrics, the landing page, health; and its listening sockets."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Protocol, cast

import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from exporter import __version__
from exporter.render.gzip_stream import Body
from exporter.render.text import Format
from exporter.web.address import Address, address_of
from exporter.web.connections import ConnectionLimits, Connections, reset
from exporter.web.negotiation import accepts_gzip, negotiate
from exporter.web.scrape_slots import Scrape, ScrapeSlots, end_now

log = structlog.get_logger()

HEALTHY_PATH = "/-/healthy"
READY_PATH = "/-/ready"

SCRAPE_TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"
"""Header in which Prometheus says how long it waits."""

SHUTDOWN_GRACE = 0.5
"""Seconds that open connections get to finish when the server stops."""

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


class Exposition(Protocol):
    """Renders the body of one scrape."""

    async def __call__(self, text_format: Format, *, gzip: bool) -> Body:
        """Return the body in a text format, compressed with gzip or not."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """What the application serves. None of these functions sends a request to the API.

    `metrics` renders the response at `telemetry_path`. `overdue` returns the names of the jobs that
    have made no progress in time. `ready` returns whether every agent has been polled once.
    """

    telemetry_path: str
    metrics: Exposition
    overdue: Callable[[], list[str]]
    ready: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class ScrapeLimits:
    """Limits on scrapes.

    `concurrent`: scrapes answered at the same time: a few replicas of Prometheus, and a person.
    `per_address`: the same, of one client address.
    `seconds`: time to answer one scrape, unless the scraper has less.
    """

    concurrent: int = 8
    per_address: int = 6
    seconds: float = 60.0


DEFAULT_LIMITS = ScrapeLimits()

_SITE = web.AppKey("site", Site)
_LIMITS = web.AppKey("limits", ScrapeLimits)
_SLOTS = web.AppKey("slots", ScrapeSlots)


def application(site: Site, limits: ScrapeLimits = DEFAULT_LIMITS) -> web.Application:
    """Return the application. An unknown path is answered with 404, an unknown method with 405."""
    app = web.Application()
    app[_SITE] = site
    app[_LIMITS] = limits
    app[_SLOTS] = ScrapeSlots(limits.concurrent, limits.per_address)
    app.router.add_get(site.telemetry_path, _metrics)
    app.router.add_get(HEALTHY_PATH, _healthy)
    app.router.add_get(READY_PATH, _ready)
    if site.telemetry_path != "/":
        app.router.add_get("/", _landing)
    return app


async def _metrics(request: web.Request) -> web.StreamResponse:
    slots, limits = request.app[_SLOTS], request.app[_LIMITS]
    response = web.StreamResponse()
    end = asyncio.timeout(scrape_seconds(request.headers.get(SCRAPE_TIMEOUT, ""), limits.seconds))
    scrape = Scrape(request.remote or "", partial(end_now, end))
    try:
        async with end:
            if not slots.take(scrape):
                return _refusal(limits)
            await _scrape(request, response, scrape)
    except TimeoutError:
        reason = "displaced" if scrape.displaced else "timeout"
        log.debug("scrape_aborted", remote=request.remote, reason=reason)
        abort(request.transport)
    except ConnectionError:
        log.debug("scraper_disconnected", remote=request.remote)
    finally:
        slots.give_back(scrape)
    return response


def scrape_seconds(header: str, most: float) -> float:
    """Return the time limit of a scrape: that of the header, and at most `most`.

    A header that is not a positive number is ignored.
    """
    try:
        seconds = float(header)
    except ValueError:
        return most
    return min(seconds, most) if math.isfinite(seconds) and seconds > 0 else most


def _refusal(limits: ScrapeLimits) -> web.Response:
    most, own = limits.concurrent, min(limits.concurrent, limits.per_address)
    message = f"too many scrapes: {most} at once, {own} of one address; retry in 1 s\n"
    return web.Response(status=503, text=message, headers={hdrs.RETRY_AFTER: "1"})


async def _scrape(request: web.Request, response: web.StreamResponse, scrape: Scrape) -> None:
    text_format = negotiate(request.headers.get(hdrs.ACCEPT, ""))
    gzip = accepts_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
    body = await request.app[_SITE].metrics(text_format, gzip=gzip)
    response.headers.update({hdrs.CONTENT_TYPE: text_format.value})
    response.headers.update({hdrs.VARY: "Accept, Accept-Encoding"})
    if gzip:
        response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    response.content_length = body.length
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        async for write in body.writes():
            with scrape.waiting():
                await response.write(write)
    await response.write_eof()


def abort(transport: asyncio.BaseTransport | None) -> None:
    """Close a connection without sending the rest; None is a connection that is closed already."""
    if isinstance(transport, asyncio.WriteTransport):
        reset(transport)


async def _healthy(request: web.Request) -> web.Response:
    site = request.app[_SITE]
    if overdue := site.overdue():
        return web.Response(status=503, text=f"unhealthy: overdue jobs: {', '.join(overdue)}\n")
    return web.Response(text="healthy\n")


async def _ready(request: web.Request) -> web.Response:
    site = request.app[_SITE]
    if site.ready():
        return web.Response(text="ready\n")
    return web.Response(status=503, text="not ready: waiting for the first poll of every agent\n")


async def _landing(request: web.Request) -> web.Response:
    site = request.app[_SITE]
    page = LANDING_PAGE.format(
        version=__version__,
        metrics=escape(site.telemetry_path),
        healthy=HEALTHY_PATH,
        ready=READY_PATH,
    )
    return web.Response(text=page, content_type="text/html")


class _RejectedRequests(logging.Filter):
    """Logs a request that is not valid HTTP in one line, without traceback: it is not our bug."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        log.debug("request_rejected", error=type(error).__name__)
        return False


_SERVER_LOG = logging.getLogger(__name__)
_SERVER_LOG.addFilter(_RejectedRequests())


@asynccontextmanager
async def listen(
    app: web.Application, addresses: Iterable[Address], limits: ConnectionLimits | None = None
) -> AsyncIterator[list[Address]]:
    """Serve the application, and yield the addresses in use. Raises ListenError if one is taken.

    An application is served once.
    """
    connections = Connections(limits or ConnectionLimits())
    app.middlewares.append(connections.middleware())
    async with AsyncExitStack() as stack:
        listeners = [stack.enter_context(address.bind()) for address in addresses]
        in_use = [address_of(listener) for listener in listeners]
        runner = web.AppRunner(
            app, access_log=None, logger=_SERVER_LOG, shutdown_timeout=SHUTDOWN_GRACE
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        # `setup` has set the server.
        server = cast("web.Server", runner.server)
        await stack.enter_async_context(connections.accepted(listeners, server))
        yield in_use
