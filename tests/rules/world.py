"""What Prometheus scrapes from exporters, minute by minute. Minute 0 is the Unix epoch."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from exporter.errors import REASONS

MINUTE = 60.0

Spans: TypeAlias = tuple[tuple[float, float], ...]
"""Spans of minutes: each includes its first minute, not its last."""

Value = TypeVar("Value", float, float | None)
"""A number, or one that may be absent."""

Course: TypeAlias = Callable[[float], float]
"""A value as a function of the minute."""

Series: TypeAlias = tuple[str, list[float | None]]
"""A series with its labels, and its sample of each minute; None where it has none."""


def within(minute: float, spans: Spans) -> bool:
    """Return whether a minute is in one of the spans."""
    return any(first <= minute < last for first, last in spans)


def changed(value: Value, changes: Spans, at: float) -> Value | float:
    """Return a value after the changes that apply at a minute."""
    return next((new for since, new in reversed(changes) if at >= since), value)


def steady(rate: float, since: float = 0.0, until: float = 1e9) -> Course:
    """Return completed calls that rise by `rate` calls per minute, between two minutes."""
    return lambda minute: rate * max(min(minute, until) - since, 0.0) // 1


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch as Ultravox knows it; times are minutes. `deleted` is when it is deleted.

    `grown` and `moved` are changes of `calls` and `end`: from which minute on, and the new value.
    `revived` is when an ended batch is live again.
    """

    completed: Course
    batch_id: str = "b"
    calls: float = 1000.0
    created: float = -300.0
    start: float | None = None
    end: float | None = None
    paused: Spans = ()
    ended: float | None = None
    revived: float = 1e9
    deleted: float = 1e9
    grown: Spans = ()
    moved: Spans = ()
    statuses: Mapping[str, Course] | None = None

    def gauges(self, at: float) -> Iterator[tuple[str, float]]:
        """Yield the batch's metrics as of a minute: name (`#` status) and value."""
        calls, end = changed(self.calls, self.grown, at), changed(self.end, self.moved, at)
        done = min(self.completed(at), calls)
        yield "calls", calls
        yield "calls_completed", done
        yield "calls_remaining", calls - done
        yield "created_timestamp_seconds", self.created * MINUTE
        if self.start is not None:
            yield "window_start_timestamp_seconds", self.start * MINUTE
        if end is not None:
            yield "window_end_timestamp_seconds", end * MINUTE
        if self.ended is not None and self.ended <= at < self.revived:
            yield "ended_timestamp_seconds", self.ended * MINUTE
        else:
            yield "paused", float(within(at, self.paused))
        for status, count in (self.statuses or {}).items():
            yield f"scheduled_calls#{status}", count(at)


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """An exporter that polls one agent each minute. Times are minutes.

    It does not run while it is `down`, and then starts without data. It is a scrape target while it
    is `listed`. `unscraped` is when only its
    scrapes fail. `failing` is when its polls fail, for `reason`; `hanging` is when it sends none.
    It withdraws data older than `stale_after`. At `renamed` the agent gets another name; the agent
    is configured while it is `known`. The exporter's clock is `ahead` of Prometheus' clock.
    `extra` adds series, or replaces their values. `target` has further labels of the scrape target,
    which replace others; with `honored` labels, the exporter's own are kept.
    """

    batches: tuple[Batch, ...] = ()
    instance: str = "one:10110"
    pod: str = "p"
    ahead: float = 0.0
    agent_id: str = "a"
    account: str = "acme"
    known: Spans = ((-1e9, 1e9),)
    interval: float = 0.5
    stale_after: float = 10.0
    down: Spans = ()
    listed: Spans = ((-1e9, 1e9),)
    unscraped: Spans = ()
    failing: Spans = ()
    reason: str = "unreachable"
    hanging: Spans = ()
    renamed: float = 1e9
    extra: Mapping[str, Course] | None = None
    target: Mapping[str, str] = field(default_factory=dict)
    honored: bool = False

    def polled(self, minute: int) -> int | None:
        """Return the minute of the last successful poll since the exporter's start."""
        for at in range(minute, -400, -1):
            if within(at, self.down):
                return None
            if not within(at, (*self.failing, *self.hanging)):
                return at
        return None

    def scrape(self, minute: int) -> dict[str, float]:
        """Return the samples of the scrape at a minute, by series."""
        if not within(minute, self.listed):
            return {}
        if within(minute, (*self.down, *self.unscraped)):
            return {self._series("up"): 0.0}
        found = {self._series("up"): 1.0, self._series("ultravox_exporter_build_info"): 1.0}
        if self.agent_id and within(minute, self.known):
            found |= self._agent(minute)
        for name, course in (self.extra or {}).items():
            found[self._series(name)] = course(minute)
        return found

    def _agent(self, minute: int) -> dict[str, float]:
        down = within(minute, self.failing)
        name = "Renewals" if minute < self.renamed else "Win-back"
        found = {
            self._series("ultravox_agent_up"): float(not down),
            self._series("ultravox_agent_poll_interval_seconds"): (
                300.0 if down else self.interval * MINUTE
            ),
            self._series(f'ultravox_agent_info{{agent="{name}"}}'): 1.0,
        }
        failed = sum(within(at, self.failing) for at in range(minute + 1))
        for reason in REASONS:
            series = self._series(f'ultravox_agent_poll_failures_total{{reason="{reason}"}}')
            found[series] = float(failed if reason == self.reason else 0)
        if (last := self.polled(minute)) is None:
            return found
        found[self._series("ultravox_agent_last_success_timestamp_seconds")] = (
            last + self.ahead
        ) * MINUTE
        if minute - last < self.stale_after:
            found[self._series('ultravox_agent_batches_hidden{reason="per_batch_series"}')] = 0.0
            for batch in self.batches:
                found |= self._batch(batch, last)
        return found

    def _batch(self, batch: Batch, at: float) -> dict[str, float]:
        if not batch.created <= at < batch.deleted:
            return {}
        found = {}
        for name, value in batch.gauges(at):
            metric, _, status = name.partition("#")
            more = f',status="{status}"' if status else ""
            found[self._series(f'ultravox_batch_{metric}{{batch_id="{batch.batch_id}"{more}}}')] = (
                value
            )
        return found

    def _series(self, metric: str) -> str:
        name, _, labels = metric.rstrip("}").partition("{")
        own = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if name.startswith(("ultravox_account_", "ultravox_exporter_api_")):
            own = {"account": self.account, **own}
        elif name.startswith(("ultravox_agent_", "ultravox_batch_")):
            own = {"account": self.account, "agent_id": self.agent_id, **own}
        pairs = ",".join(f'{key}="{value}"' for key, value in self._all(own).items())
        return f"{name}{{{pairs}}}"

    def _all(self, own: Mapping[str, str]) -> dict[str, str]:
        """Return a series' labels, as Prometheus joins them with those of the target."""
        pod = {"pod": self.pod, "node": f"node of {self.pod}"}
        target = {"job": "ultravox", "instance": self.instance, **pod, **self.target}
        if self.honored:
            return {**target, **own}
        renamed = {f"exported_{key}" if key in target else key: own[key] for key in own}
        return target | renamed


def scraped(exporters: tuple[Exporter, ...], minutes: int) -> list[Series]:
    """Return every series that Prometheus has after a number of minutes."""
    found: dict[str, list[float | None]] = {}
    for minute in range(minutes + 1):
        for exporter in exporters:
            for series, value in exporter.scrape(minute).items():
                found.setdefault(series, [None] * (minutes + 1))[minute] = value
    return list(found.items())


def series_values(samples: list[float | None]) -> str:
    """Return samples in promtool's notation; a missing one after another is a stale marker."""
    words: list[str] = []
    index = 0
    while index < len(samples):
        length, word = _run(samples, index)
        words.append(word)
        index += length
    return " ".join(words)


def _run(samples: list[float | None], index: int) -> tuple[int, str]:
    first = samples[index]
    if first is None:
        length = next(
            (n for n, sample in enumerate(samples[index:]) if sample is not None),
            len(samples) - index,
        )
        if index == 0:
            return length, f"_x{length}"
        return length, "stale" + (f" _x{length - 1}" if length > 1 else "")
    second = samples[index + 1] if index + 1 < len(samples) else None
    if second is None:
        return 1, f"{first:.10g}"
    step, length = second - first, 1
    while (
        index + length < len(samples)
        and samples[index + length] is not None
        and samples[index + length] == first + step * length
    ):
        length += 1
    sign = "+" if step >= 0 else "-"
    return length, f"{first:.10g}{sign}{abs(step):.10g}x{length - 1}"
