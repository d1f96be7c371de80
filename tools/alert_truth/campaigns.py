"""What a campaign and its surroundings are: frozen definitions.

Times are seconds since the history's beginning, which is Prometheus' epoch in a rule test. A
campaign may have been created before it.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

MINUTE = 60.0
HOUR = 3600.0


class Span(NamedTuple):
    """From one moment to before another."""

    begins: float
    ends: float

    @property
    def length(self) -> float:
        """Its seconds."""
        return self.ends - self.begins

    def holds(self, moment: float) -> bool:
        """Whether the moment lies in it."""
        return self.begins <= moment < self.ends

    def meets(self, other: "Span") -> bool:
        """Whether they have a moment in common."""
        return self.begins < other.ends and other.begins < self.ends


class Phase(NamedTuple):
    """From `begins` until the next phase, calls are made at a pace of so many a second."""

    begins: float
    pace: float


class Campaign(msgspec.Struct, frozen=True):
    """How a batch is dialled.

    Calls come `burst` at a time, at random moments or (`even`) evenly spaced. `ended_early` is when
    somebody ends it before its time, `ends` whether the API sets the end of a batch that is through
    or whose window has closed. `error_share` of its calls are errors.
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
    ends: bool = True
    error_share: float = 0.0

    @property
    def opens(self) -> float:
        """From when calls can be made."""
        return max(self.created, self.created if self.window_start is None else self.window_start)

    @property
    def few(self) -> bool:
        """Whether it dials so seldom, and so unevenly, that half an hour tells little of its pace.

        Calls that come at once are one event: of fewer than 30 events, chance adds or takes a
        fifth and more.
        """
        events = (phase.pace * 30 * MINUTE / self.burst for phase in self.phases if phase.pace)
        return not self.even and any(each < 30 for each in events)

    def pace(self, moment: float) -> float:
        """Return the pace in force at a moment."""
        past = [phase.pace for phase in self.phases if phase.begins <= moment]
        return past[-1] if past else 0.0


class Exporter(NamedTuple):
    """One life of an exporter process, as one scrape target.

    It polls first at `first_poll`, and is scraped each `scrape_interval` from `first_scrape` on;
    scrapes at the moments of `unscraped` fail.
    """

    instance: str
    pod: str
    life: Span
    first_poll: float
    first_scrape: float
    scrape_interval: float
    unscraped: frozenset[float]

    def scrapes(self) -> Iterator[float]:
        """Yield the moments of scrapes that succeed."""
        count = int((self.life.ends - self.first_scrape) / self.scrape_interval) + 1
        moments = (self.first_scrape + self.scrape_interval * n for n in range(count))
        return (each for each in moments if each < self.life.ends and each not in self.unscraped)


class Scene(msgspec.Struct, frozen=True):
    """An agent's campaigns and all that stands between them and Prometheus.

    In an outage the API can't be reached: at once (`refused`), or after the poll's timeout.
    """

    agent_id: str
    length: float
    campaigns: tuple[Campaign, ...]
    exporters: tuple[Exporter, ...]
    outages: tuple[Span, ...] = ()
    refused: bool = True
    renamed: float | None = None

    def outage(self, moment: float) -> bool:
        """Whether the API can't be reached."""
        return any(outage.holds(moment) for outage in self.outages)
