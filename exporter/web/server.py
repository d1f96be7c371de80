"""The application: /metrics, the landing page, health; and its listening."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import escape

from aiohttp import hdrs, web

from exporter import __version__
from exporter.exposition.text import Format, negotiate
from exporter.web.address import Address, address_of

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


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages need. None of these may ask the API.

    `overdue` names the loops that hang; `ready` says whether every agent has been polled once.
    """

    telemetry_path: str
    metrics: Callable[[Format], bytes]
    overdue: Callable[[], list[str]]
    ready: Callable[[], bool]


def application(site: Site) -> web.Application:
    """Return the application; paths it does not know are 404, methods it does not know 405."""
    app = web.Application()
    app.router.add_get(site.telemetry_path, lambda request: _metrics(site, request))
    app.router.add_get(HEALTHY_PATH, lambda _: _healthy(site))
    app.router.add_get(READY_PATH, lambda _: _ready(site))
    if site.telemetry_path != "/":
        app.router.add_get("/", lambda _: _landing(site))
    return app


async def _metrics(site: Site, request: web.Request) -> web.Response:
    form = negotiate(request.headers.get(hdrs.ACCEPT, ""))
    response = web.Response(
        body=site.metrics(form),
        headers={hdrs.CONTENT_TYPE: form.value, hdrs.VARY: "Accept, Accept-Encoding"},
    )
    if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        response.enable_compression(web.ContentCoding.gzip)
    return response


async def _healthy(site: Site) -> web.Response:
    if overdue := site.overdue():
        return web.Response(status=503, text=f"hanging: {', '.join(overdue)}\n")
    return web.Response(text="healthy\n")


async def _ready(site: Site) -> web.Response:
    if site.ready():
        return web.Response(text="ready\n")
    return web.Response(status=503, text="not every agent has been polled yet\n")


async def _landing(site: Site) -> web.Response:
    page = LANDING_PAGE.format(
        version=__version__,
        metrics=escape(site.telemetry_path),
        healthy=HEALTHY_PATH,
        ready=READY_PATH,
    )
    return web.Response(text=page, content_type="text/html")


@asynccontextmanager
async def listen(
    app: web.Application, addresses: Iterable[Address]
) -> AsyncIterator[list[Address]]:
    """Serve the application and yield where. Raises ListenError before anything is served."""
    listeners = [address.bind() for address in addresses]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_GRACE)
    await runner.setup()
    try:
        for listener in listeners:
            await web.SockSite(runner, listener).start()
        yield [address_of(listener) for listener in listeners]
    finally:
        await runner.cleanup()
