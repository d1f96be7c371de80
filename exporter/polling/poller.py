"""An agent's loop: listing, name, health."""

import asyncio
import math
from contextlib import AbstractAsyncContextManager

import structlog
from msgspec.structs import replace

from exporter.api.deadline import deadline
from exporter.errors import ApiError
from exporter.model import AgentKey, AgentSnapshot, Listing
from exporter.polling.context import Context
from exporter.polling.listing import goal, read
from exporter.polling.schedule import repeat
from exporter.polling.transitions import Poll, failed, succeeded

log = structlog.get_logger()

NAME_REFRESH = 3600.0
"""Seconds between two looks at a name that the API gives. A rename is no emergency."""


class AgentPoller:
    """Polls one agent, whose snapshot is in the store already, and replaces that snapshot.

    `ask_name` says that the API's name is wanted: the file gives none, and discovery does not bring
    it.
    """

    def __init__(self, context: Context, key: AgentKey, *, ask_name: bool) -> None:
        self._context = context
        self._key = key
        self._name_due = -math.inf if ask_name else math.inf
        self.name = "agent " + "/".join(key)
        self.budget = 2 * context.config.polling.timeout

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait for one of the account's turns."""
        health = self._context.store.agent(self._key).health
        return self._context.client.turn(failing=health.failures_in_a_row > 0)

    async def run(self, delay: float) -> None:
        """Poll for ever, the first time after `delay` seconds."""
        await asyncio.sleep(delay)
        await repeat(self, self._context.liveness)

    async def step(self) -> float:
        """Poll once, then see to the name; return the seconds from this poll to the next."""
        await self.poll()
        health = self._context.store.agent(self._key).health
        if health.up:
            await self._refresh_name()
        return health.interval

    async def poll(self) -> None:
        """Poll once, and replace the agent's snapshot."""
        context, clock = self._context, asyncio.get_running_loop().time
        began, started = context.clock(), clock()
        answer = await self._listing(began)
        poll = Poll(began, clock() - started)
        previous = context.store.agent(self._key)
        if isinstance(answer, ApiError):
            following = failed(previous, poll, answer.reason, context.config.polling)
        else:
            following = succeeded(previous, poll, answer, context.config.polling)
        context.store.put_agent(following)
        _log(previous, following, answer)

    async def _listing(self, now: float) -> Listing | ApiError:
        config, pages = self._context.config, self._context.client.batches(self._key[1])
        keep_ended = config.batches.keep_ended
        previous = self._context.store.agent(self._key).listing
        target = goal(previous, now, config.polling.full_listing_interval)
        try:
            async with deadline(config.polling.timeout):
                return await read(pages, previous, target, now, keep_ended)
        except ApiError as error:
            return error

    async def _refresh_name(self) -> None:
        """Ask for the agent's name when that is due; without an answer the old name stays."""
        context, clock = self._context, asyncio.get_running_loop().time
        if clock() < self._name_due:
            return
        try:
            async with deadline(context.config.polling.timeout):
                row = await context.client.agent(self._key[1])
        except ApiError as error:
            log.debug("agent_name_unknown", agent_id=self._key[1], error=str(error))
            return
        self._name_due = clock() + NAME_REFRESH
        snapshot = context.store.agent(self._key)
        agent = replace(snapshot.agent, name=row.name or row.agent_id)
        context.store.put_agent(replace(snapshot, agent=agent))


def _log(before: AgentSnapshot, after: AgentSnapshot, answer: Listing | ApiError) -> None:
    """Say how a poll went: aloud when the agent's health changed, at debug level otherwise."""
    changed = before.health.up is not after.health.up
    agent = after.agent
    bound = log.bind(account=agent.account, agent_id=agent.agent_id, agent=agent.name)
    if isinstance(answer, ApiError):
        say = bound.warning if changed else bound.debug
        say("agent_down", reason=answer.reason, error=str(answer))
    else:
        say = bound.info if changed else bound.debug
        say("agent_up", batches=len(answer.batches), listing=answer.kind, pages=answer.pages)
