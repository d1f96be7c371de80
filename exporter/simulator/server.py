"""The simulator over HTTP: one handler for every path, and a server around it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from exporter.simulator import api, sabotage, transport
from exporter.simulator.effects import (
    After,
    Before,
    Delay,
    Effect,
    Hang,
    OldestFirst,
    Reset,
    Transport,
)
from exporter.simulator.state import Request, Simulator

_KEY = "X-API-Key"
_PATIENCE = 0.1  # seconds that a request in hand gets when the server closes


@asynccontextmanager
async def serve(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve the simulator while the context is open; yields the base URL, without a slash.

    Port 0 takes a free one. On leaving, requests that hang are cancelled, within half a second.
    """
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _Service(simulator).handle)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, shutdown_timeout=_PATIENCE
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        name = f"[{host}]" if family == socket.AF_INET6 else host
        yield f"http://{name}:{listener.getsockname()[1]}"
    finally:
        await _hang_up(listener)
        await runner.cleanup()


async def _hang_up(listener: socket.socket) -> None:
    """Take no more connections, and let those just taken be set up.

    Python 3.11 forgets to close a connection that it sets up while its server closes.
    """
    asyncio.get_running_loop().remove_reader(listener)
    await asyncio.sleep(0)


class _Service:
    """Answers every request of one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Record the request, let the faults strike, answer."""
        record = _record(request)
        self._simulator.requests.append(record)
        effects = self._simulator.faults.strike(request.path, request.query.get("cursor"))
        await _stall(effects)
        answer = self._compose(request, effects)
        manner = next((effect for effect in effects if isinstance(effect, Transport)), None)
        if not isinstance(manner, Reset):
            record.status = answer.status
        return await transport.send(request, answer, manner)

    def _compose(self, request: web.Request, effects: list[Effect]) -> api.Answer:
        call = _call(request, oldest_first=OldestFirst() in effects)
        answer = api.answer(self._simulator, call)
        for effect in effects:
            answer = sabotage.alter(answer, effect, call)
        _run(effects, After)
        return answer


async def _stall(effects: list[Effect]) -> None:
    _run(effects, Before)
    await asyncio.sleep(sum(effect.seconds for effect in effects if isinstance(effect, Delay)))
    if Hang() in effects:
        await transport.forever()


def _run(effects: list[Effect], kind: type[Before | After]) -> None:
    for effect in effects:
        if isinstance(effect, kind):
            effect.call()


def _record(request: web.Request) -> Request:
    return Request(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        has_key=_KEY in request.headers,
    )


def _call(request: web.Request, *, oldest_first: bool) -> api.Call:
    return api.Call(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        key=request.headers.get(_KEY),
        url=str(request.url.with_query(None)),
        oldest_first=oldest_first,
    )
