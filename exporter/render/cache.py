"""(snapshot, now) -> the texts of an exposition, most of them rendered before.

The result depends on the arguments alone: what the cache keeps only saves rendering it again.
"""

import asyncio
import math
from collections.abc import Iterator, Sequence

import msgspec

from exporter.metrics.account import ACCOUNT_METRICS
from exporter.metrics.agent import AGENT_METRICS
from exporter.metrics.batch import BATCH_METRICS
from exporter.metrics.metric import labels
from exporter.model import AgentKey, AgentSnapshot, Batch, Listing, Snapshot
from exporter.render.checkpoint import Checkpoint
from exporter.render.chunk import (
    Chunk,
    ChunkLines,
    CountdownTemplate,
    CountdownValues,
    RenderLimits,
    render_chunks,
    validity,
)
from exporter.render.gzip_stream import ExpositionBuilder, Fragment, SharedFragment, Text
from exporter.render.text import Format, header, lines
from exporter.selection import (
    AgentSelection,
    SelectionSettings,
    batches_with_series,
    is_stale,
    select_account,
    select_agent,
    total_sums,
)

BATCHES_PER_CHECKPOINT = 4000
"""Batches among which those with series are selected at once."""

DEFAULT_LIMITS = RenderLimits()


class RenderedAgent(msgspec.Struct, frozen=True):
    """What is exposed of one agent. `lines` has an item for each of AGENT_METRICS.

    It is valid from `valid_from` until just before `valid_until`, seconds since the epoch, as long
    as the agent's data are stale, or are not, as `stale` says. Chunks in `shown` have series,
    those in `hidden` have none.
    """

    snapshot: AgentSnapshot
    stale: bool
    lines: tuple[bytes, ...]
    shown: tuple[Chunk, ...] = ()
    hidden: tuple[Chunk, ...] = ()
    valid_from: float = -math.inf
    valid_until: float = math.inf


class ExpositionCache:
    """Renders expositions, and keeps what is rendered of each agent until it changes.

    `limits` are the sizes of the steps of rendering.
    """

    def __init__(self, settings: SelectionSettings, limits: RenderLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._settings = settings
        self._agents: dict[AgentKey, RenderedAgent] = {}
        self._shared: dict[Format, list[SharedFragment]] = {}
        self._rendering = asyncio.Lock()

    def __len__(self) -> int:
        """Return the number of agents of which something is kept."""
        return len(self._agents)

    async def texts(self, snapshot: Snapshot, now: float, text_format: Format) -> list[Text]:
        """Return the families of batches, agents and accounts at `now`, seconds since the epoch.

        The end mark of OpenMetrics is not among them: further families follow.
        """
        checkpoint = Checkpoint(self.limits.work_limit)
        agents = await self._render_all(snapshot, now)
        builder = ExpositionBuilder(self._shared.get(text_format, ()))
        values = CountdownValues(now)
        for index, metric in enumerate(BATCH_METRICS):
            builder.add_shared(header(metric, text_format).encode())
            for agent in agents:
                for chunk in agent.shown:
                    if _add(builder, chunk.lines[index], values):
                        await checkpoint.reached()
                await checkpoint.reached()
        for index, agent_metric in enumerate(AGENT_METRICS):
            builder.add_shared(header(agent_metric, text_format).encode())
            for agent in agents:
                builder.add_shared(agent.lines[index])
            await checkpoint.reached()
        for family in self._account_families(snapshot, now, text_format):
            builder.add_shared(family)
        texts = builder.finish()
        self._shared[text_format] = builder.shared
        return texts

    async def update(self, snapshot: AgentSnapshot, now: float) -> RenderedAgent:
        """Return what is exposed of the agent at `now`, seconds since the epoch.

        It is rendered unless it is cached.
        """
        rendered = self._cached(snapshot, now)
        if rendered is None:
            # Two callers may need the same agent: the second waits, and then finds it cached.
            async with self._rendering:
                rendered = self._cached(snapshot, now) or await self._render(snapshot, now)
        return rendered

    async def _render_all(self, snapshot: Snapshot, now: float) -> list[RenderedAgent]:
        checkpoint, agents = Checkpoint(self.limits.work_limit), list[RenderedAgent]()
        for agent in snapshot.agents:
            agents.append(await self.update(agent, now))
            await checkpoint.reached()
        self._forget_removed(snapshot)
        return agents

    def _cached(self, snapshot: AgentSnapshot, now: float) -> RenderedAgent | None:
        rendered = self._agents.get(snapshot.agent.key)
        if (
            rendered is not None
            and rendered.snapshot is snapshot
            and rendered.stale is self._is_stale(snapshot, now)
            and rendered.valid_from <= now < rendered.valid_until
        ):
            return rendered
        return None

    def _is_stale(self, snapshot: AgentSnapshot, now: float) -> bool:
        return is_stale(snapshot.health.last_success, now, self._settings.polling.stale_after)

    async def _render(self, snapshot: AgentSnapshot, now: float) -> RenderedAgent:
        stale, listing = self._is_stale(snapshot, now), snapshot.listing
        if stale or listing is None:
            selection = AgentSelection(snapshot)
            rendered = RenderedAgent(snapshot, stale, _agent_lines(selection, now))
        else:
            rendered = await self._render_listing(snapshot, listing, now)
        self._agents[snapshot.agent.key] = rendered
        return rendered

    async def _render_listing(
        self, snapshot: AgentSnapshot, listing: Listing, now: float
    ) -> RenderedAgent:
        agent, settings, limits = _identity(snapshot), self._settings.batches, self.limits
        nothing = RenderedAgent(snapshot, stale=False, lines=())
        previous = self._agents.get(snapshot.agent.key, nothing)
        selected, rest = await self._select(listing, now)
        shown = await render_chunks(agent, selected, now, previous.shown, limits, hidden=False)
        hidden = await render_chunks(agent, rest, now, previous.hidden, limits, hidden=True)
        chunks = (*shown, *hidden)
        sums = total_sums([chunk.sums for chunk in chunks])
        valid_from, valid_until = validity(_removals(listing, settings.keep_ended), now)
        return RenderedAgent(
            snapshot,
            stale=False,
            lines=_agent_lines(select_agent(snapshot, len(selected), sums, settings), now),
            shown=shown,
            hidden=hidden,
            valid_from=max([valid_from, *(chunk.valid_from for chunk in chunks)]),
            valid_until=min([valid_until, *(chunk.valid_until for chunk in chunks)]),
        )

    async def _select(
        self, listing: Listing, now: float
    ) -> tuple[tuple[Batch, ...], Sequence[Batch]]:
        """Return the batches that have series at `now`, and the other ones that are kept."""
        checkpoint, settings = Checkpoint(self.limits.work_limit), self._settings.batches
        kept = [batch for batch in listing.batches if batch.is_retained(now, settings.keep_ended)]
        selected: tuple[Batch, ...] = ()
        for start in range(0, len(kept), BATCHES_PER_CHECKPOINT):
            following = kept[start : start + BATCHES_PER_CHECKPOINT]
            selected = batches_with_series([*selected, *following], settings)
            await checkpoint.reached()
        if len(selected) == len(kept):
            return selected, ()
        ids = {batch.batch_id for batch in selected}
        return selected, [batch for batch in kept if batch.batch_id not in ids]

    def _forget_removed(self, snapshot: Snapshot) -> None:
        if len(self._agents) > len(snapshot.agents):
            keys = {agent.agent.key for agent in snapshot.agents}
            self._agents = {key: each for key, each in self._agents.items() if key in keys}

    def _account_families(
        self, snapshot: Snapshot, now: float, text_format: Format
    ) -> Iterator[bytes]:
        accounts = [
            (
                labels((("account", account.account),)),
                select_account(account, snapshot.agents_of(account.account), now, self._settings),
            )
            for account in snapshot.accounts
        ]
        for metric in ACCOUNT_METRICS:
            yield (header(metric, text_format) + lines(metric, accounts, now)).encode()


def _add(builder: ExpositionBuilder, rendered: ChunkLines, values: CountdownValues) -> bool:
    """Add a chunk's lines of one metric; return whether that took noticeable time."""
    if isinstance(rendered, CountdownTemplate):
        builder.add(rendered.filled(values))
        return True
    if isinstance(rendered, Fragment):
        builder.add(rendered)
    else:
        builder.add_shared(rendered)
    return False


def _removals(listing: Listing, keep_ended: float) -> list[float]:
    """Return when ended batches stop being exposed, in seconds since the epoch."""
    return [batch.ended + keep_ended for batch in listing.batches if batch.ended is not None]


def _identity(snapshot: AgentSnapshot) -> str:
    agent = snapshot.agent
    return labels((("account", agent.account), ("agent_id", agent.agent_id)))


def _agent_lines(selection: AgentSelection, now: float) -> tuple[bytes, ...]:
    subjects = ((_identity(selection.snapshot), selection),)
    return tuple(lines(metric, subjects, now).encode() for metric in AGENT_METRICS)
