"""The simulator with faults, over HTTP."""

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import cached_property

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from exporter import simulator as shipped
from exporter.simulator.state import Entry
from tests.fake_api.answers import altered
from tests.fake_api.faults import (
    After,
    Before,
    Delay,
    Effect,
    Faults,
    Hang,
    OldestFirst,
    Reset,
    Transport,
)
from tests.fake_api.transport import hang, send


class Simulator(shipped.Simulator):
    """The simulator with `faults`, which hit its requests while `serve` of this module runs."""

    oldest_first = False

    @cached_property
    def faults(self) -> Faults:
        """The faults, none at first."""
        return Faults()

    def agent_entries(self) -> list[Entry]:
        """Return the entries of all agents in the order of their listing."""
        return self._ordered(super().agent_entries())

    def batch_entries(self, agent_id: str) -> list[Entry]:
        """Return the entries of all the agent's batches in the order of their listing."""
        return self._ordered(super().batch_entries(agent_id))

    def _ordered(self, entries: list[Entry]) -> list[Entry]:
        if not self.oldest_first:
            return entries
        return [(-key, ident) for key, ident in reversed(entries)]


def serve(
    simulator: Simulator, host: str = "127.0.0.1", port: int = 0
) -> AbstractAsyncContextManager[str]:
    """Serve the simulator with its faults; yield the base URL, without a slash."""
    return shipped.serve(simulator, host, port, middlewares=[_injection(simulator)])


def _injection(simulator: Simulator) -> Middleware:
    """Return the middleware that lets the simulator's faults hit requests."""

    @web.middleware
    async def inject(request: web.Request, handler: Handler) -> web.StreamResponse:
        received = simulator.requests[-1]  # the server added it just now
        effects = simulator.faults.hit(request.path, request.query.get("cursor"))
        _run(effects, Before)
        await asyncio.sleep(sum(each.seconds for each in effects if isinstance(each, Delay)))
        if Hang() in effects:
            await hang()
        answer = await _answer(simulator, request, handler, oldest_first=OldestFirst() in effects)
        for effect in effects:
            answer = altered(answer, effect, request)
        _run(effects, After)
        broken = next((effect for effect in effects if isinstance(effect, Transport)), None)
        if broken is None:
            return answer
        if not isinstance(broken, Reset):
            received.status = answer.status
        return await send(request, answer, broken)

    return inject


async def _answer(
    simulator: Simulator, request: web.Request, handler: Handler, *, oldest_first: bool
) -> web.Response:
    # The API answers without waiting, so no other request is answered in this order.
    simulator.oldest_first = oldest_first
    try:
        answer = await handler(request)
    finally:
        simulator.oldest_first = False
    assert isinstance(answer, web.Response)
    return answer


def _run(effects: list[Effect], hook: type[Before | After]) -> None:
    for effect in effects:
        if isinstance(effect, hook):
            effect.call()
