"""Batches of an agent rendered together, and kept until one of them changes.

A chunk is small enough that rendering it does not delay the event loop noticeably.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import TypeAlias

import msgspec

from exporter.metrics.batch import BATCH_METRICS
from exporter.metrics.metric import AnyMetric, LabelledMetric, Metric, escaped
from exporter.model import Batch, BatchState
from exporter.render.checkpoint import WORK_LIMIT, Checkpoint
from exporter.render.gzip_stream import Text, deflate
from exporter.render.text import COUNTDOWN_FORMAT, lines, number
from exporter.selection import Sums, sums_by_state


class RenderLimits(msgspec.Struct, frozen=True):
    """Sizes of the steps of rendering.

    `chunk_batches`: batches of a chunk; 200 take some four milliseconds to render.
    `min_deflated`: bytes of text from which on a chunk's lines of a family are kept deflated;
    deflated alone, a shorter text hardly becomes smaller.
    `work_limit`: seconds of work after which other tasks run.
    """

    chunk_batches: int = 200
    min_deflated: int = 1000
    work_limit: float = WORK_LIMIT


class CountdownValues(dict[float, bytes]):
    """Values of countdowns at `now` as text, by the time at which each is 0.

    Times are in seconds since the epoch. Many batches share such a time: its value is formatted
    once.
    """

    def __init__(self, now: float) -> None:
        super().__init__()
        self._now = now

    def __missing__(self, zero_at: float) -> bytes:
        """Format the value of a time that is looked up for the first time."""
        self[zero_at] = text = COUNTDOWN_FORMAT % (zero_at - self._now)
        return text


class CountdownTemplate(msgspec.Struct, frozen=True, gc=False):
    """Lines with values that fall by one per second: a template for `%`, and how to fill it.

    `pick` returns the values of the template's lines, in their order.
    """

    template: bytes
    pick: Callable[[CountdownValues], object]

    def filled(self, values: CountdownValues) -> bytes:
        """Return the lines with these values."""
        return self.template % self.pick(values)


ChunkLines: TypeAlias = Text | CountdownTemplate
"""The lines of one metric for the batches of a chunk."""


class Chunk(msgspec.Struct, frozen=True):
    """Batches, their sums by state, and their `lines`: an item for each of BATCH_METRICS.

    Times are in seconds since the epoch. The chunk was rendered for the time `rendered_at`, and is
    valid from `valid_from` until just before `valid_until`. Hidden batches have no lines.
    """

    batches: tuple[Batch, ...]
    rendered_at: float
    valid_from: float
    valid_until: float
    sums: Mapping[BatchState, Sums]
    lines: tuple[ChunkLines, ...]

    def valid(self, now: float) -> bool:
        """Return whether the chunk is valid at `now`, provided that no batch has changed."""
        return self.valid_from <= now < self.valid_until


async def render_chunks(
    agent: str,
    batches: Sequence[Batch],
    now: float,
    previous: Sequence[Chunk],
    limits: RenderLimits,
    *,
    hidden: bool,
) -> tuple[Chunk, ...]:
    """Return the batches of an agent in chunks, rendered for `now`, seconds since the epoch.

    `agent` is the agent's identity as `labels` writes it. `previous` are the agent's chunks of its
    last rendering: what has not changed since is taken from the chunk at the same index.
    """
    checkpoint, chunks = Checkpoint(limits.work_limit), list[Chunk]()
    for index, start in enumerate(range(0, len(batches), limits.chunk_batches)):
        members = tuple(batches[start : start + limits.chunk_batches])
        chunk = previous[index] if index < len(previous) else None
        if chunk is None or not chunk.valid(now) or chunk.batches != members:
            rendered = () if hidden else _lines(agent, members, now, chunk, limits.min_deflated)
            chunk = _chunk(members, now, rendered)
        chunks.append(chunk)
        await checkpoint.reached()
    return tuple(chunks)


def _chunk(batches: tuple[Batch, ...], now: float, rendered: tuple[ChunkLines, ...]) -> Chunk:
    edges = [edge for batch in batches for edge in batch.window_times()]
    valid_from, valid_until = validity(edges, now)
    return Chunk(batches, now, valid_from, valid_until, sums_by_state(batches, now), rendered)


def validity(edges: Sequence[float], now: float) -> tuple[float, float]:
    """Return the last edge that is not after `now`, and the first that is after it.

    An edge is a time at which something changes, in seconds since the epoch.
    """
    valid_from = max((edge for edge in edges if edge <= now), default=-math.inf)
    return valid_from, min((edge for edge in edges if edge > now), default=math.inf)


def _lines(
    agent: str, batches: tuple[Batch, ...], now: float, previous: Chunk | None, min_deflated: int
) -> tuple[ChunkLines, ...]:
    """Return an item for each metric: that of `previous` where it would be the same."""
    subjects = [(f'{agent},batch_id="{escaped(batch.batch_id)}"', batch) for batch in batches]
    if previous is None or _ids(previous.batches) != _ids(batches):
        return tuple(_metric_lines(each, subjects, now, min_deflated) for each in BATCH_METRICS)
    before, after = previous.batches, batches
    if previous.valid(now):
        # The time has changed nothing, so only replaced batches can differ.
        changed = [pair for pair in zip(before, after, strict=True) if pair[0] is not pair[1]]
        before, after = tuple(old for old, _ in changed), tuple(new for _, new in changed)
    return tuple(
        unchanged
        if _values(metric, before, previous.rendered_at) == _values(metric, after, now)
        else _metric_lines(metric, subjects, now, min_deflated)
        for metric, unchanged in zip(BATCH_METRICS, previous.lines, strict=True)
    )


def _ids(batches: tuple[Batch, ...]) -> list[str]:
    return [batch.batch_id for batch in batches]


def _values(metric: AnyMetric[Batch], batches: tuple[Batch, ...], now: float) -> list[object]:
    """Return all that a metric's lines contain of the batches, besides their identities.

    Of a countdown that is the time at which it is 0, and not its value.
    """
    if isinstance(metric, LabelledMetric):
        return [tuple(metric.samples(batch, now)) for batch in batches]
    if metric.zero_at is None:
        return [metric.value(batch, now) for batch in batches]
    zeros = [metric.zero_at(batch, now) for batch in batches]
    return [
        (zero_at, metric.value(batch, now) if zero_at is None else None)
        for batch, zero_at in zip(batches, zeros, strict=True)
    ]


def _metric_lines(
    metric: AnyMetric[Batch], subjects: Sequence[tuple[str, Batch]], now: float, min_deflated: int
) -> ChunkLines:
    if isinstance(metric, Metric) and metric.zero_at is not None:
        zeros = [metric.zero_at(batch, now) for _, batch in subjects]
        if any(zero_at is not None for zero_at in zeros):
            return _countdown(metric, subjects, zeros, now)
    text = lines(metric, subjects, now).encode()
    return deflate(text) if len(text) >= min_deflated else text


def _countdown(
    metric: Metric[Batch],
    subjects: Sequence[tuple[str, Batch]],
    zeros: Sequence[float | None],
    now: float,
) -> CountdownTemplate:
    template = []
    for (identity, batch), zero_at in zip(subjects, zeros, strict=True):
        name = f"{metric.name}{{{identity}}} ".replace("%", "%%")
        value = metric.value(batch, now)
        if zero_at is not None:
            template.append(f"{name}%b\n")
        elif value is not None:
            template.append(f"{name}{number(value)}\n")
    pick = itemgetter(*[zero_at for zero_at in zeros if zero_at is not None])
    return CountdownTemplate("".join(template).encode(), pick)
