"""(snapshot, now) -> page, from what was rendered before.

The page depends on its arguments alone: what is kept here only saves the work of rendering it anew.
"""

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from exporter.metrics.account import ACCOUNT_METRICS
from exporter.metrics.agent import AGENT_METRICS
from exporter.metrics.batch import BATCH_METRICS
from exporter.metrics.metric import labels
from exporter.model import AgentKey, AgentSnapshot, Batch, BatchState, Listing, Snapshot
from exporter.render.checkpoint import Checkpoint
from exporter.render.chunk import Block, Chunk, CountdownValues, chunks_of, make, span
from exporter.render.gzip_stream import Fragment, Part
from exporter.render.packing import ExpositionBuilder, SharedFragment
from exporter.render.text import Format, header, lines
from exporter.selection import (
    AgentSelection,
    SelectionSettings,
    Sums,
    batches_with_series,
    is_stale,
    select_account,
    select_agent,
    total_sums,
)

RUN = 4000
"""Batches among which those with series are chosen at once."""


class RenderedAgent(msgspec.Struct, frozen=True):
    """What is served of one agent: `lines` has those of each of AGENT_METRICS.

    It holds for every time from `since` to before `until` at which the last success is young enough
    to trust, or is not, as `trusted` says.
    """

    snapshot: AgentSnapshot
    trusted: bool
    lines: tuple[bytes, ...]
    shown: tuple[Chunk, ...] = ()
    hidden: tuple[Chunk, ...] = ()
    since: float = -math.inf
    until: float = math.inf


class ExpositionCache:
    """Renders pages, and keeps what it rendered of each agent."""

    def __init__(self, policy: SelectionSettings) -> None:
        self._policy = policy
        self._agents: dict[AgentKey, RenderedAgent] = {}
        self._runs: dict[Format, list[SharedFragment]] = {}
        self._rendering = asyncio.Lock()

    def __len__(self) -> int:
        """Return the number of agents of which something is kept."""
        return len(self._agents)

    async def parts(self, snapshot: Snapshot, now: float, form: Format) -> list[Part]:
        """Return the families of batches, agents and accounts at `now`, seconds since the epoch.

        OpenMetrics' end mark is not written: more families follow.
        """
        agents = await self._current(snapshot, now)
        checkpoint, packing, values = (
            Checkpoint(),
            ExpositionBuilder(self._runs.get(form, ())),
            CountdownValues(now),
        )
        for index, metric in enumerate(BATCH_METRICS):
            packing.lasting(header(metric, form).encode())
            for page in agents:
                for each in page.shown:
                    if _pack(packing, each.blocks[index], values):
                        await checkpoint.reached()
                await checkpoint.reached()
        for index, agent_metric in enumerate(AGENT_METRICS):
            packing.lasting(header(agent_metric, form).encode())
            for page in agents:
                packing.lasting(page.lines[index])
            await checkpoint.reached()
        for text in self._account_lines(snapshot, now, form):
            packing.lasting(text)
        parts = packing.parts()
        self._runs[form] = packing.runs
        return parts

    async def _current(self, snapshot: Snapshot, now: float) -> list[RenderedAgent]:
        checkpoint, agents = Checkpoint(), list[RenderedAgent]()
        for agent in snapshot.agents:
            agents.append(await self.update(agent, now))
            await checkpoint.reached()
        self._forget(snapshot)
        return agents

    async def update(self, snapshot: AgentSnapshot, now: float) -> RenderedAgent:
        """Return what is served of the agent at `now`; render what is not known yet."""
        page = self._known(snapshot, now)
        if page is None:
            # Of two who want the same page, the second finds it made.
            async with self._rendering:
                page = self._known(snapshot, now) or await self._render(snapshot, now)
        return page

    def _known(self, snapshot: AgentSnapshot, now: float) -> RenderedAgent | None:
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
        return not is_stale(snapshot.health.last_success, now, self._policy.polling.stale_after)

    async def _render(self, snapshot: AgentSnapshot, now: float) -> RenderedAgent:
        key, trusted = snapshot.agent.key, self._trusted(snapshot, now)
        listing = snapshot.listing if trusted else None
        page = (
            RenderedAgent(snapshot, trusted, _agent_lines(AgentSelection(snapshot), now))
            if listing is None
            else await self._listed(snapshot, listing, now, self._agents.get(key))
        )
        self._agents[key] = page
        return page

    async def _listed(
        self, snapshot: AgentSnapshot, listing: Listing, now: float, before: RenderedAgent | None
    ) -> RenderedAgent:
        policy, checkpoint = self._policy.batches, Checkpoint()
        kept = [batch for batch in listing.batches if batch.is_retained(now, policy.keep_ended)]
        chosen: tuple[Batch, ...] = ()
        for start in range(0, len(kept), RUN):
            chosen = batches_with_series([*chosen, *kept[start : start + RUN]], policy)
            await checkpoint.reached()
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
        sums: Mapping[BatchState, Sums] = total_sums([each.sums for each in both])
        view = select_agent(snapshot, len(chosen), sums, policy)
        return RenderedAgent(
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
                select_account(account, snapshot.agents_of(account.account), now, self._policy),
            )
            for account in snapshot.accounts
        ]
        for metric in ACCOUNT_METRICS:
            yield (header(metric, form) + lines(metric, accounts, now)).encode()


def _pack(packing: ExpositionBuilder, block: Block, values: CountdownValues) -> bool:
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
    before: Sequence[Chunk],
    *,
    shown: bool,
) -> tuple[Chunk, ...]:
    identity, checkpoint, made = _identity(snapshot), Checkpoint(), list[Chunk]()
    for index, run in enumerate(chunks_of(batches)):
        old = before[index] if index < len(before) else None
        made.append(make(identity, run, now, shown=shown, before=old))
        await checkpoint.reached()
    return tuple(made)


def _identity(snapshot: AgentSnapshot) -> str:
    agent = snapshot.agent
    return labels((("account", agent.account), ("agent_id", agent.agent_id)))


def _agent_lines(view: AgentSelection, now: float) -> tuple[bytes, ...]:
    subjects = ((_identity(view.snapshot), view),)
    return tuple(lines(metric, subjects, now).encode() for metric in AGENT_METRICS)
