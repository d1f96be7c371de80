"""(snapshot, now) -> page, from what was rendered before.

The page depends on its arguments alone: what is kept here only saves the work of rendering it anew.
"""

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from exporter.exposition.accounts import ACCOUNT_METRICS
from exporter.exposition.agents import AGENT_METRICS
from exporter.exposition.batches import BATCH_METRICS
from exporter.exposition.deflate import Fragment, Part
from exporter.exposition.family import labels
from exporter.exposition.pace import Pace
from exporter.exposition.packing import Packing, Run
from exporter.exposition.slices import Block, Falling, Slice, make, slices_of, span
from exporter.exposition.text import Format, header, lines
from exporter.exposition.view import (
    AgentView,
    Policy,
    Sums,
    added,
    fresh,
    selected,
    view_account,
    view_agent,
)
from exporter.model import AgentKey, AgentSnapshot, Batch, BatchState, Listing, Snapshot

RUN = 4000
"""Batches among which those with series are chosen at once."""


class AgentPage(msgspec.Struct, frozen=True):
    """What is served of one agent: `lines` has those of each of AGENT_METRICS.

    It holds for every time from `since` to before `until` at which the last success is young enough
    to trust, or is not, as `trusted` says.
    """

    snapshot: AgentSnapshot
    trusted: bool
    lines: tuple[bytes, ...]
    shown: tuple[Slice, ...] = ()
    hidden: tuple[Slice, ...] = ()
    since: float = -math.inf
    until: float = math.inf


class Pages:
    """Renders pages, and keeps what it rendered of each agent."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._agents: dict[AgentKey, AgentPage] = {}
        self._runs: dict[Format, list[Run]] = {}
        self._rendering = asyncio.Lock()

    def __len__(self) -> int:
        """Return the number of agents of which something is kept."""
        return len(self._agents)

    async def parts(self, snapshot: Snapshot, now: float, form: Format) -> list[Part]:
        """Return the families of batches, agents and accounts at `now`, seconds since the epoch.

        OpenMetrics' end mark is not written: more families follow.
        """
        agents = await self._current(snapshot, now)
        pace, packing, values = Pace(), Packing(self._runs.get(form, ())), Falling(now)
        for index, metric in enumerate(BATCH_METRICS):
            packing.lasting(header(metric, form).encode())
            for page in agents:
                for each in page.shown:
                    if _pack(packing, each.blocks[index], values):
                        await pace.rest()
                await pace.rest()
        for index, agent_metric in enumerate(AGENT_METRICS):
            packing.lasting(header(agent_metric, form).encode())
            for page in agents:
                packing.lasting(page.lines[index])
            await pace.rest()
        for text in self._account_lines(snapshot, now, form):
            packing.lasting(text)
        parts = packing.parts()
        self._runs[form] = packing.runs
        return parts

    async def _current(self, snapshot: Snapshot, now: float) -> list[AgentPage]:
        pace, agents = Pace(), list[AgentPage]()
        for agent in snapshot.agents:
            agents.append(await self.update(agent, now))
            await pace.rest()
        self._forget(snapshot)
        return agents

    async def update(self, snapshot: AgentSnapshot, now: float) -> AgentPage:
        """Return what is served of the agent at `now`; render what is not known yet."""
        page = self._known(snapshot, now)
        if page is None:
            # Of two who want the same page, the second finds it made.
            async with self._rendering:
                page = self._known(snapshot, now) or await self._render(snapshot, now)
        return page

    def _known(self, snapshot: AgentSnapshot, now: float) -> AgentPage | None:
        page = self._agents.get(snapshot.agent.key)
        if (
            page is not None
            and page.snapshot is snapshot
            and page.trusted is self._trusted(snapshot, now)
            and page.since <= now < page.until
        ):
            return page
        return None

    def _trusted(self, snapshot: AgentSnapshot, now: float) -> bool:
        return fresh(snapshot.health.last_success, now, self._policy.polling.stale_after)

    async def _render(self, snapshot: AgentSnapshot, now: float) -> AgentPage:
        key, trusted = snapshot.agent.key, self._trusted(snapshot, now)
        listing = snapshot.listing if trusted else None
        page = (
            AgentPage(snapshot, trusted, _agent_lines(AgentView(snapshot), now))
            if listing is None
            else await self._listed(snapshot, listing, now, self._agents.get(key))
        )
        self._agents[key] = page
        return page

    async def _listed(
        self, snapshot: AgentSnapshot, listing: Listing, now: float, before: AgentPage | None
    ) -> AgentPage:
        policy, pace = self._policy.batches, Pace()
        kept = [batch for batch in listing.batches if batch.kept(now, policy.keep_ended)]
        chosen: tuple[Batch, ...] = ()
        for start in range(0, len(kept), RUN):
            chosen = selected([*chosen, *kept[start : start + RUN]], policy)
            await pace.rest()
        shown = await _slices(snapshot, chosen, now, before.shown if before else (), shown=True)
        rest: Sequence[Batch] = ()
        if len(chosen) < len(kept):
            ids = {batch.batch_id for batch in chosen}
            rest = [batch for batch in kept if batch.batch_id not in ids]
        hidden = await _slices(snapshot, rest, now, before.hidden if before else (), shown=False)
        leaving = [
            batch.ended + policy.keep_ended for batch in listing.batches if batch.ended is not None
        ]
        since, until = span(leaving, now)
        both = (*shown, *hidden)
        sums: Mapping[BatchState, Sums] = added([each.sums for each in both])
        view = view_agent(snapshot, len(chosen), sums, policy)
        return AgentPage(
            snapshot,
            trusted=True,
            lines=_agent_lines(view, now),
            shown=shown,
            hidden=hidden,
            since=max([since, *(each.since for each in both)]),
            until=min([until, *(each.until for each in both)]),
        )

    def _forget(self, snapshot: Snapshot) -> None:
        """Keep nothing of agents that are gone."""
        if len(self._agents) > len(snapshot.agents):
            there = {agent.agent.key for agent in snapshot.agents}
            self._agents = {key: page for key, page in self._agents.items() if key in there}

    def _account_lines(self, snapshot: Snapshot, now: float, form: Format) -> Iterator[bytes]:
        accounts = [
            (
                labels((("account", account.account),)),
                view_account(account, snapshot.agents_of(account.account), now, self._policy),
            )
            for account in snapshot.accounts
        ]
        for metric in ACCOUNT_METRICS:
            yield (header(metric, form) + lines(metric, accounts, now)).encode()


def _pack(packing: Packing, block: Block, values: Falling) -> bool:
    """Add a block to a page; return whether that was work, and not only a note."""
    if isinstance(block, Fragment):
        packing.fragment(block)
    elif isinstance(block, bytes):
        packing.lasting(block)
    else:
        packing.passing(block.at(values))
        return True
    return False


async def _slices(
    snapshot: AgentSnapshot,
    batches: Sequence[Batch],
    now: float,
    before: Sequence[Slice],
    *,
    shown: bool,
) -> tuple[Slice, ...]:
    identity, pace, made = _identity(snapshot), Pace(), list[Slice]()
    for index, run in enumerate(slices_of(batches)):
        old = before[index] if index < len(before) else None
        made.append(make(identity, run, now, shown=shown, before=old))
        await pace.rest()
    return tuple(made)


def _identity(snapshot: AgentSnapshot) -> str:
    agent = snapshot.agent
    return labels((("account", agent.account), ("agent_id", agent.agent_id)))


def _agent_lines(view: AgentView, now: float) -> tuple[bytes, ...]:
    subjects = ((_identity(view.snapshot), view),)
    return tuple(lines(metric, subjects, now).encode() for metric in AGENT_METRICS)
