"""The simulator over HTTP: one handler for every path, and a server around it."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from exporter.simulator import api
from exporter.simulator.state import ReceivedRequest, Simulator

_KEY_HEADER = "X-API-Key"
_SHUTDOWN_TIMEOUT = 0.1  # seconds that open requests get when the server closes
_COMPRESS_FROM = 1024  # bytes: CDNs do not compress smaller bodies


def curl_examples(base_url: str, api_key: str) -> str:
    """Return curl's command lines, one a line, that ask for the account and for its agents."""
    paths = ("/api/accounts/me", "/api/agents?pageSize=1")
    return "".join(f"curl -H '{_KEY_HEADER}: {api_key}' '{base_url}{path}'\n" for path in paths)


@asynccontextmanager
async def serve(
    simulator: Simulator,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    middlewares: Sequence[Middleware] = (),
) -> AsyncIterator[str]:
    """Serve the simulator while the context is open; yield the base URL, without a slash.

    Port 0 takes a free one. `middlewares` are aiohttp's: each sees a request before the simulated
    API and may change, replace or delay its response. Open requests are cancelled at the end.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    runner = web.AppRunner(
        _application(simulator, middlewares),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_TIMEOUT,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        name = f"[{host}]" if family == socket.AF_INET6 else host
        yield f"http://{name}:{listener.getsockname()[1]}"
    finally:
        await _stop_accepting(listener)
        await runner.cleanup()


async def _stop_accepting(listener: socket.socket) -> None:
    """Accept no more connections, and let those just accepted be set up.

    Python 3.11 does not close a connection that it sets up while its server closes.
    """
    asyncio.get_running_loop().remove_reader(listener)
    await asyncio.sleep(0)


def _application(simulator: Simulator, middlewares: Sequence[Middleware]) -> web.Application:
    @web.middleware
    async def receive(request: web.Request, handler: Handler) -> web.StreamResponse:
        received = _received(request)
        simulator.requests.append(received)
        response = await handler(request)
        received.status = response.status
        if isinstance(response, web.Response):
            _compress(request, response)
        return response

    async def answer(request: web.Request) -> web.Response:
        answered = api.answer(simulator, _api_request(request))
        return web.Response(
            status=answered.status,
            body=msgspec.json.encode(answered.content),
            content_type="application/json",
        )

    app = web.Application(middlewares=[receive, *middlewares])
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def _compress(request: web.Request, response: web.Response) -> None:
    """Compress a large body where the client accepts gzip."""
    body = response.body
    if (
        isinstance(body, bytes)
        and len(body) > _COMPRESS_FROM
        and "gzip" in request.headers.get("Accept-Encoding", "")
        and "Content-Encoding" not in response.headers
    ):
        response.body = gzip.compress(body, mtime=0)
        response.headers.update({"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})


def _received(request: web.Request) -> ReceivedRequest:
    return ReceivedRequest(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        has_key=_KEY_HEADER in request.headers,
    )


def _api_request(request: web.Request) -> api.Request:
    return api.Request(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        key=request.headers.get(_KEY_HEADER),
        url=str(request.url.with_query(None)),
    )
