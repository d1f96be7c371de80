"""Definitions of campaigns and of what is between them and Prometheus: frozen.

Times are seconds since the start of the history, which is Prometheus' epoch in a rule test. They
are negative for a campaign that was created before the history starts.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

MINUTE = 60.0
HOUR = 3600.0

FEW_CALL_EVENTS = 30
"""A campaign with fewer call events in half an hour has few calls: chance adds or removes a fifth
of them or more."""


class Span(NamedTuple):
    """A time span: `start` is part of it, `end` is not."""

    start: float
    end: float

    @property
    def length(self) -> float:
        """Return its length in seconds."""
        return self.end - self.start

    def contains(self, time: float) -> bool:
        """Return whether the time is in the span."""
        return self.start <= time < self.end

    def overlaps(self, other: "Span") -> bool:
        """Return whether the two spans have a moment in common."""
        return self.start < other.end and other.start < self.end


class Phase(NamedTuple):
    """From `start` until the next phase, calls are made at `completion_rate` calls per second."""

    start: float
    completion_rate: float


class Campaign(msgspec.Struct, frozen=True):
    """How a batch is dialled.

    `burst` calls are made at the same moment; the moments are random, or evenly spaced (`even`).
    At `ended_early` somebody ends the batch. `api_sets_end` says whether the API sets the end of a
    batch whose calls are completed or whose window has closed. `error_share` is the share of the
    calls that are errors.
    """

    batch_id: str
    seed: int
    total: int
    created: float
    phases: tuple[Phase, ...]
    window_start: float | None = None
    window_end: float | None = None
    paused: float | None = None
    ended_early: float | None = None
    deleted: float | None = None
    burst: int = 1
    even: bool = False
    api_sets_end: bool = True
    error_share: float = 0.0

    @property
    def opens(self) -> float:
        """Return from when calls can be made."""
        return max(self.created, self.created if self.window_start is None else self.window_start)

    @property
    def few_calls(self) -> bool:
        """Return whether half an hour has too few call events to measure the completion rate.

        Calls that are made at the same moment are one event. Evenly spaced calls are enough.
        """
        rates = (phase.completion_rate for phase in self.phases if phase.completion_rate)
        events = (rate * 30 * MINUTE / self.burst for rate in rates)
        return not self.even and any(each < FEW_CALL_EVENTS for each in events)

    def completion_rate(self, time: float) -> float:
        """Return the completion rate in force at a time, in calls per second."""
        past = [phase.completion_rate for phase in self.phases if phase.start <= time]
        return past[-1] if past else 0.0


class ExporterProcess(NamedTuple):
    """One process of the exporter, from its start to its end, as one scrape target.

    It polls first at `first_poll`, and is scraped every `scrape_interval` seconds from
    `first_scrape` on. The scrapes at the times in `failed_scrapes` fail.
    """

    instance: str
    pod: str
    lifetime: Span
    first_poll: float
    first_scrape: float
    scrape_interval: float
    failed_scrapes: frozenset[float]

    def scrapes(self) -> Iterator[float]:
        """Yield the times of the scrapes that succeed."""
        end = self.lifetime.end
        count = int((end - self.first_scrape) / self.scrape_interval) + 1
        times = (self.first_scrape + self.scrape_interval * n for n in range(count))
        return (each for each in times if each < end and each not in self.failed_scrapes)


class Scenario(msgspec.Struct, frozen=True):
    """The campaigns of one agent, the exporters that poll it, and what fails. `length` is seconds.

    In an outage the API can't be reached. A request then fails at once (`refused`), or when the
    timeout of the poll has passed.
    """

    agent_id: str
    length: float
    campaigns: tuple[Campaign, ...]
    exporters: tuple[ExporterProcess, ...]
    outages: tuple[Span, ...] = ()
    refused: bool = True
    renamed: float | None = None

    def in_outage(self, time: float) -> bool:
        """Return whether the API can't be reached."""
        return any(outage.contains(time) for outage in self.outages)
