"""What Prometheus has scraped of an exporter, minute by minute. Minute 0 is the Unix epoch."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from exporter.errors import REASONS

MINUTE = 60.0

Moments: TypeAlias = tuple[tuple[float, float], ...]
"""Spans of minutes, from each first one until before the second."""

Course: TypeAlias = Callable[[float], float]
"""A value by minute."""

Series: TypeAlias = tuple[str, list[float | None]]
"""A series with its labels, and its samples by minute."""


def within(minute: float, spans: Moments) -> bool:
    """Return whether a minute is in one of the spans."""
    return any(first <= minute < last for first, last in spans)


def steady(rate: float, since: float = 0.0, until: float = 1e9) -> Course:
    """Return completed calls that rise by a rate (calls a minute) between two minutes."""
    return lambda minute: rate * max(min(minute, until) - since, 0.0) // 1


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch at the API; times are minutes. `gone` is when it is deleted."""

    completed: Course
    batch_id: str = "b"
    calls: float = 1000.0
    created: float = -300.0
    start: float | None = None
    end: float | None = None
    paused: Moments = ()
    ended: float | None = None
    gone: float = 1e9
    statuses: Mapping[str, Course] | None = None

    def gauges(self, at: float) -> Iterator[tuple[str, float]]:
        """Yield what is served of it, as it was at a minute: names, further labels, values."""
        done = min(self.completed(at), self.calls)
        yield "calls", self.calls
        yield "calls_completed", done
        yield "calls_remaining", self.calls - done
        yield "created_timestamp_seconds", self.created * MINUTE
        if self.start is not None:
            yield "window_start_timestamp_seconds", self.start * MINUTE
        if self.end is not None:
            yield "window_end_timestamp_seconds", self.end * MINUTE
        if self.ended is not None and at >= self.ended:
            yield "ended_timestamp_seconds", self.ended * MINUTE
        else:
            yield "paused", float(within(at, self.paused))
        for status, count in (self.statuses or {}).items():
            yield f"scheduled_calls#{status}", count(at)


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """An exporter that polls one agent each minute. All spans are minutes.

    `down` is when it can't be scraped, and after which it knows nothing of the past; `unscraped` is
    when it can't be scraped and keeps running. `failing` is when polls fail, for `reason`;
    `hanging` is when it does not poll. Data older than `stale_after` minutes are withdrawn. At
    minute `renamed` the agent gets another name; it is polled while it is `known`. The exporter's
    clock is `ahead` minutes ahead. `extra` has further series, or other values of those.
    """

    batches: tuple[Batch, ...] = ()
    instance: str = "one:10110"
    pod: str = "p"
    ahead: float = 0.0
    agent_id: str = "a"
    account: str = "acme"
    known: Moments = ((-1e9, 1e9),)
    interval: float = 0.5
    stale_after: float = 10.0
    down: Moments = ()
    unscraped: Moments = ()
    failing: Moments = ()
    reason: str = "unreachable"
    hanging: Moments = ()
    renamed: float = 1e9
    extra: Mapping[str, Course] | None = None

    def polled(self, minute: int) -> int | None:
        """Return the minute of the last successful poll since the last start."""
        for at in range(minute, -400, -1):
            if within(at, self.down):
                return None
            if not within(at, (*self.failing, *self.hanging)):
                return at
        return None

    def scrape(self, minute: int) -> dict[str, float]:
        """Return the samples of a scrape at a minute: values by series."""
        if within(minute, (*self.down, *self.unscraped)):
            return {f"up{{{self._target()}}}": 0.0}
        found = {
            f"up{{{self._target()}}}": 1.0,
            f"ultravox_exporter_build_info{{{self._target()}}}": 1.0,
        }
        if self.agent_id and within(minute, self.known):
            found |= self._agent(minute)
        for name, course in (self.extra or {}).items():
            found[self._series(name)] = course(minute)
        return found

    def _agent(self, minute: int) -> dict[str, float]:
        failing = within(minute, self.failing)
        name = "Renewals" if minute < self.renamed else "Win-back"
        found = {
            self._series("ultravox_agent_up"): float(not failing),
            self._series("ultravox_agent_poll_interval_seconds"): (
                300.0 if failing else self.interval * MINUTE
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
        if not batch.created <= at < batch.gone:
            return {}
        found = {}
        for name, value in batch.gauges(at):
            metric, _, status = name.partition("#")
            more = f',status="{status}"' if status else ""
            found[self._series(f'ultravox_batch_{metric}{{batch_id="{batch.batch_id}"{more}}}')] = (
                value
            )
        return found

    def _target(self) -> str:
        pod = f'pod="{self.pod}",node="node of {self.pod}"'
        return f'job="ultravox",instance="{self.instance}",{pod}'

    def _series(self, metric: str) -> str:
        name, _, labels = metric.rstrip("}").partition("{")
        own = f'{self._target()},account="{self.account}"'
        if not name.startswith(("ultravox_account_", "ultravox_exporter_")):
            own += f',agent_id="{self.agent_id}"'
        return f"{name}{{{own}{',' + labels if labels else ''}}}"


def scraped(exporters: tuple[Exporter, ...], minutes: int) -> list[Series]:
    """Return every series that Prometheus has after a number of minutes."""
    found: dict[str, list[float | None]] = {}
    for minute in range(minutes + 1):
        for exporter in exporters:
            for series, value in exporter.scrape(minute).items():
                found.setdefault(series, [None] * (minutes + 1))[minute] = value
    return list(found.items())


def written(samples: list[float | None]) -> str:
    """Return samples as promtool reads them; a missing sample after another is a stale marker."""
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
