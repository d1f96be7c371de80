"""Draw scenarios from a seed. The same seed gives the same scenarios."""

import random
from collections.abc import Iterator

from tools.alert_truth.campaigns import (
    HOUR,
    MINUTE,
    Campaign,
    ExporterProcess,
    Phase,
    Scenario,
    Span,
)

GRID = 15.0
"""Seconds between two times at which a scrape is possible."""


def scenarios(seed: int, campaigns: int) -> Iterator[Scenario]:
    """Yield scenarios with this number of campaigns in total."""
    drawn = 0
    while drawn < campaigns:
        random_ = _random(f"{seed}/{drawn}")
        count = min(random_.choice((1, 1, 1, 2, 3)), campaigns - drawn)
        yield _scenario(random_, [f"b{seed}-{drawn + each}" for each in range(count)])
        drawn += count


def _random(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - reproducible by design, and nothing is secret


def _scenario(random_: random.Random, ids: list[str]) -> Scenario:
    campaigns = tuple(_campaign(random_, batch_id) for batch_id in ids)
    length = max(_history_end(random_, campaign) for campaign in campaigns)
    return Scenario(
        agent_id=f"agent-{ids[0]}",
        length=length,
        campaigns=campaigns,
        exporters=tuple(_exporters(random_, ids[0], length)),
        outages=_outages(random_, length),
        refused=random_.random() < 0.5,
        renamed=random_.uniform(0, length) if random_.random() < 0.15 else None,
    )


def _history_end(random_: random.Random, campaign: Campaign) -> float:
    """Return when the history may end: half an hour after the campaign, for some over 6 hours."""
    closed = min(campaign.window_end or 7 * HOUR, campaign.ended_early or 7 * HOUR)
    return closed + (6.4 * HOUR if random_.random() < 0.08 else random_.uniform(0.4, 0.8) * HOUR)


def _campaign(random_: random.Random, batch_id: str) -> Campaign:
    total = int(40 * 100 ** random_.random())
    opens = random_.uniform(-1.0, 1.2) * HOUR
    length = random_.uniform(1.5, 5.5) * HOUR
    has_end = random_.random() < 0.88
    in_advance = random_.random() < 0.5
    has_start = in_advance and has_end
    created = opens - random_.uniform(1, 90) * MINUTE if has_start else opens
    closes = opens + length
    burst, even = random_.choice(((1, False), (1, False), (1, True), (3, False), (8, False)))
    return Campaign(
        batch_id,
        seed=random_.getrandbits(32),
        total=total,
        created=created,
        phases=_phases(random_, total, opens, length),
        window_start=opens if has_start else None,
        window_end=closes if has_end else None,
        paused=_sometimes(random_, 0.10, opens - 20 * MINUTE, closes),
        ended_early=_sometimes(random_, 0.06, opens, closes),
        deleted=_sometimes(random_, 0.06, opens, closes),
        burst=burst,
        even=even,
        api_sets_end=random_.random() < 0.7,
        error_share=_error_share(random_),
    )


def _sometimes(random_: random.Random, share: float, low: float, high: float) -> float | None:
    time = random_.uniform(low, high)
    return max(time, 0.0) if random_.random() < share else None


def _error_share(random_: random.Random) -> float:
    return random_.uniform(0.35, 0.6) if random_.random() < 0.1 else random_.uniform(0, 0.1)


def _phases(random_: random.Random, total: int, opens: float, length: float) -> tuple[Phase, ...]:
    planned = _planned(random_, total, opens, length)
    return _with_stall(random_, _with_late_start(random_, planned), opens + length)


def _planned(random_: random.Random, total: int, opens: float, length: float) -> tuple[Phase, ...]:
    """Return completion rates: fast or too slow for the window, one then the other, or close."""
    fast = total / (length * random_.uniform(0.6, 0.9))
    slow = total / (length * random_.uniform(1.15, 3.0))
    change = opens + length * random_.uniform(0.25, 0.75)
    drawn = random_.random()
    if drawn < 0.62:
        return (Phase(opens, fast),)
    if drawn < 0.76:
        return (Phase(opens, slow),)
    if drawn < 0.86:
        return (Phase(opens, fast), Phase(change, slow * 0.5))
    if drawn < 0.94:
        return (Phase(opens, slow), Phase(change, fast * random_.uniform(1.5, 3)))
    return (Phase(opens, total / (length * random_.uniform(0.9, 1.15))),)


def _with_late_start(random_: random.Random, phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """Return the phases, some with a late first call: too short for an alert, long, or for ever."""
    if random_.random() > 0.15:
        return phases
    delay = random_.choice((random_.uniform(2, 10), random_.uniform(22, 60), 600)) * MINUTE
    first, *rest = phases
    starts = first.start + delay
    return (first._replace(start=starts), *(p for p in rest if p.start > starts))


def _with_stall(
    random_: random.Random, phases: tuple[Phase, ...], closes: float
) -> tuple[Phase, ...]:
    """Return the phases, some with a stall: short, long, or for ever."""
    if random_.random() > 0.25:
        return phases
    start = random_.uniform(phases[0].start, max(closes, phases[0].start))
    length = random_.choice((random_.uniform(3, 10), random_.uniform(20, 90), 6000)) * MINUTE
    resumed = [phase for phase in phases if phase.start <= start + length][-1].completion_rate
    return (
        *(phase for phase in phases if phase.start < start),
        Phase(start, 0.0),
        Phase(start + length, resumed),
        *(phase for phase in phases if phase.start > start + length),
    )


def _outages(random_: random.Random, length: float) -> tuple[Span, ...]:
    found = []
    for _ in range(random_.choice((0, 0, 1, 1, 2))):
        start = random_.uniform(0, length)
        found.append(Span(start, start + random_.uniform(1, 9) * MINUTE))
    if random_.random() < 0.1:
        start = random_.uniform(0, length)
        found.append(Span(start, start + random_.uniform(20, 40) * MINUTE))
    return tuple(found)


def _exporters(random_: random.Random, name: str, length: float) -> Iterator[ExporterProcess]:
    """Yield the processes of each replica: restarted in place, or moved to another pod."""
    interval = random_.choice((15.0, 30.0))
    for replica in range(1 if random_.random() < 0.65 else 2):
        start, moves = 0.0, 0
        restarts = sorted(random_.uniform(0, length) for _ in range(random_.choice((0, 0, 1, 2))))
        for end in (*restarts, length):
            if end <= start:
                continue
            yield _exporter(random_, f"{name}-{replica}-{moves}", Span(start, end), interval)
            start = end + random_.uniform(10, 180)
            moves += random_.random() < 0.6


def _exporter(random_: random.Random, pod: str, lifetime: Span, interval: float) -> ExporterProcess:
    """Return a process of which single scrapes fail, and all scrapes for up to three minutes."""
    first = lifetime.start - lifetime.start % GRID + GRID * random_.randint(1, int(interval / GRID))
    times = [first + interval * n for n in range(int(lifetime.length / interval) + 1)]
    failing = {time for time in times if random_.random() < 0.004}
    failures_start = random_.choice(times)
    failures_end = failures_start + random_.uniform(0, 3) * MINUTE
    failing.update(time for time in times if failures_start <= time < failures_end)
    return ExporterProcess(
        f"{pod}:10110",
        pod,
        lifetime,
        lifetime.start + random_.uniform(1, 6),
        first,
        interval,
        frozenset(failing),
    )
