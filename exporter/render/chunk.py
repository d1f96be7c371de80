"""A run of an agent's batches, rendered once: what is served of it until one of them changes.

No run is so long that rendering it would hold up the event loop.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import TypeAlias

import msgspec

from exporter.metrics.batch import BATCH_METRICS
from exporter.metrics.metric import AnyMetric, LabelledMetric, Metric, escaped
from exporter.model import Batch, BatchState
from exporter.render.gzip_stream import Part, deflate
from exporter.render.text import COUNTDOWN, lines, number
from exporter.selection import Sums, sums_by_state

LARGEST = 200
"""Batches of a slice: some four milliseconds of rendering."""

WORTH_DEFLATING = 1000
"""Bytes of a block from which on it is kept deflated: less would hardly become smaller alone."""


class CountdownValues(dict[float, bytes]):
    """What is written at `now` of a value that will be 0 at a moment, by that moment.

    Many batches share a moment: each is written once.
    """

    def __init__(self, now: float) -> None:
        super().__init__()
        self._now = now

    def __missing__(self, moment: float) -> bytes:
        """Write the value of a moment that is asked for the first time."""
        self[moment] = written = COUNTDOWN % (moment - self._now)
        return written


class CountdownTemplate(msgspec.Struct, frozen=True, gc=False):
    """Lines of values that fall by a second each second: a template, and what fills it in.

    `pick` takes the values for the template's lines, in their order.
    """

    template: bytes
    pick: Callable[[CountdownValues], object]

    def at(self, values: CountdownValues) -> bytes:
        """Return the lines with these values."""
        return self.template % self.pick(values)


Block: TypeAlias = Part | CountdownTemplate
"""The lines of one family for a slice."""


class Chunk(msgspec.Struct, frozen=True):
    """Batches, their sums by state, and their lines: a block for each of BATCH_METRICS.

    It was rendered for the time `at`, and holds from `since` to before `until`. A hidden slice has
    no blocks.
    """

    batches: tuple[Batch, ...]
    at: float
    since: float
    until: float
    sums: Mapping[BatchState, Sums]
    blocks: tuple[Block, ...]


def chunks_of(batches: Sequence[Batch]) -> list[tuple[Batch, ...]]:
    """Return the batches in runs of a slice's size."""
    starts = range(0, len(batches), LARGEST)
    return [tuple(batches[start : start + LARGEST]) for start in starts]


def make(
    agent: str,
    batches: tuple[Batch, ...],
    now: float,
    *,
    shown: bool,
    before: Chunk | None = None,
) -> Chunk:
    """Return the slice at `now`. `agent` is the agent's identity as `labels` writes it.

    `before` is what stood in its place; of it is kept what is the same.
    """
    if before and before.since <= now < before.until and before.batches == batches:
        return before
    since, until = span([edge for batch in batches for edge in batch.window_times()], now)
    blocks = _blocks(agent, batches, now, before) if shown else ()
    return Chunk(batches, now, since, until, sums_by_state(batches, now), blocks)


def _blocks(
    agent: str, batches: tuple[Batch, ...], now: float, before: Chunk | None
) -> tuple[Block, ...]:
    """Return a block for each metric, those of `before` where they would be the same."""
    subjects = [(_identity(agent, batch), batch) for batch in batches]
    if before is None or _ids(before.batches) != _ids(batches):
        return tuple(_block(metric, subjects, now) for metric in BATCH_METRICS)
    old, new = before.batches, batches
    if before.since <= now < before.until:
        moved = [(was, now_is) for was, now_is in zip(old, new, strict=True) if was is not now_is]
        old, new = tuple(was for was, _ in moved), tuple(now_is for _, now_is in moved)
    return tuple(
        block
        if _told(metric, old, before.at) == _told(metric, new, now)
        else _block(metric, subjects, now)
        for metric, block in zip(BATCH_METRICS, before.blocks, strict=True)
    )


def _ids(batches: tuple[Batch, ...]) -> list[str]:
    return [batch.batch_id for batch in batches]


def _told(metric: AnyMetric[Batch], batches: tuple[Batch, ...], now: float) -> list[object]:
    """Return all that a metric's block says of the batches, beside who they are."""
    if isinstance(metric, LabelledMetric):
        return [tuple(metric.samples(batch, now)) for batch in batches]
    if metric.zero_at is None:
        return [metric.value(batch, now) for batch in batches]
    moments = [metric.zero_at(batch, now) for batch in batches]
    return [
        (moment, metric.value(batch, now) if moment is None else None)
        for batch, moment in zip(batches, moments, strict=True)
    ]


def _identity(agent: str, batch: Batch) -> str:
    return f'{agent},batch_id="{escaped(batch.batch_id)}"'


def span(edges: Sequence[float], now: float) -> tuple[float, float]:
    """Return the last edge that is not after `now`, and the first that is."""
    since = max((edge for edge in edges if edge <= now), default=-math.inf)
    return since, min((edge for edge in edges if edge > now), default=math.inf)


def _block(metric: AnyMetric[Batch], subjects: Sequence[tuple[str, Batch]], now: float) -> Block:
    if isinstance(metric, Metric) and metric.zero_at is not None:
        moments = [metric.zero_at(batch, now) for _, batch in subjects]
        if any(moment is not None for moment in moments):
            return _countdown(metric, subjects, moments, now)
    text = lines(metric, subjects, now).encode()
    return deflate(text) if len(text) >= WORTH_DEFLATING else text


def _countdown(
    metric: Metric[Batch],
    subjects: Sequence[tuple[str, Batch]],
    moments: Sequence[float | None],
    now: float,
) -> CountdownTemplate:
    template = []
    for (identity, batch), moment in zip(subjects, moments, strict=True):
        name = f"{metric.name}{{{identity}}} ".replace("%", "%%")
        value = metric.value(batch, now)
        if moment is not None:
            template.append(f"{name}%b\n")
        elif value is not None:
            template.append(f"{name}{number(value)}\n")
    pick = itemgetter(*[moment for moment in moments if moment is not None])
    return CountdownTemplate("".join(template).encode(), pick)
