"""Definitions, drawn from a seed."""

import random
from collections.abc import Iterator

from tools.alert_truth.campaigns import HOUR, MINUTE, Campaign, Exporter, Phase, Scene, Span

GRID = 15.0
"""Seconds between two moments at which something can be scraped."""


def scenes(seed: int, campaigns: int) -> Iterator[Scene]:
    """Yield scenes with so many campaigns together."""
    drawn = 0
    while drawn < campaigns:
        random_ = _random(f"{seed}/{drawn}")
        here = min(random_.choice((1, 1, 1, 2, 3)), campaigns - drawn)
        yield _scene(random_, [f"b{seed}-{drawn + each}" for each in range(here)])
        drawn += here


def _random(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - reproducible by design, nothing secret comes of it


def _scene(random_: random.Random, ids: list[str]) -> Scene:
    campaigns = tuple(_campaign(random_, batch_id) for batch_id in ids)
    length = max(_told_until(random_, campaign) for campaign in campaigns)
    return Scene(
        agent_id=f"agent-{ids[0]}",
        length=length,
        campaigns=campaigns,
        exporters=tuple(_exporters(random_, ids[0], length)),
        outages=_outages(random_, length),
        refused=random_.random() < 0.5,
        renamed=random_.uniform(0, length) if random_.random() < 0.15 else None,
    )


def _told_until(random_: random.Random, campaign: Campaign) -> float:
    """Return when the history may end: a while after the campaign, for some a long while."""
    over = min(campaign.window_end or 7 * HOUR, campaign.ended_early or 7 * HOUR)
    return over + (6.4 * HOUR if random_.random() < 0.08 else random_.uniform(0.4, 0.8) * HOUR)


def _campaign(random_: random.Random, batch_id: str) -> Campaign:
    total = int(40 * 100 ** random_.random())
    opens = random_.uniform(-1.0, 1.2) * HOUR
    length = random_.uniform(1.5, 5.5) * HOUR
    windowed = random_.random() < 0.88
    ahead = random_.random() < 0.5
    created = opens - random_.uniform(1, 90) * MINUTE if ahead and windowed else opens
    closes = opens + length
    burst, even = random_.choice(((1, False), (1, False), (1, True), (3, False), (8, False)))
    return Campaign(
        batch_id,
        seed=random_.getrandbits(32),
        total=total,
        created=created,
        phases=_stalled(random_, _started(random_, _plan(random_, total, opens, length)), closes),
        window_start=opens if ahead and windowed else None,
        window_end=closes if windowed else None,
        paused=_sometimes(random_, 0.10, opens - 20 * MINUTE, closes),
        ended_early=_sometimes(random_, 0.06, opens, closes),
        deleted=_sometimes(random_, 0.06, opens, closes),
        burst=burst,
        even=even,
        ends=random_.random() < 0.7,
        error_share=_error_share(random_),
    )


def _sometimes(random_: random.Random, share: float, low: float, high: float) -> float | None:
    moment = random_.uniform(low, high)
    return max(moment, 0.0) if random_.random() < share else None


def _error_share(random_: random.Random) -> float:
    return random_.uniform(0.35, 0.6) if random_.random() < 0.1 else random_.uniform(0, 0.1)


def _plan(random_: random.Random, total: int, opens: float, length: float) -> tuple[Phase, ...]:
    """Return the paces: well within the window, too slow for it, one after the other, or close."""
    well = total / (length * random_.uniform(0.6, 0.9))
    slow = total / (length * random_.uniform(1.15, 3.0))
    turn = opens + length * random_.uniform(0.25, 0.75)
    drawn = random_.random()
    if drawn < 0.62:
        return (Phase(opens, well),)
    if drawn < 0.76:
        return (Phase(opens, slow),)
    if drawn < 0.86:
        return (Phase(opens, well), Phase(turn, slow * 0.5))
    if drawn < 0.94:
        return (Phase(opens, slow), Phase(turn, well * random_.uniform(1.5, 3)))
    return (Phase(opens, total / (length * random_.uniform(0.9, 1.15))),)


def _started(random_: random.Random, phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """Return the phases with the first call late, for some: minutes, or so late as to tell."""
    if random_.random() > 0.15:
        return phases
    late = random_.choice((random_.uniform(2, 10), random_.uniform(22, 60), 600)) * MINUTE
    first, *rest = phases
    return (
        first._replace(begins=first.begins + late),
        *(p for p in rest if p.begins > first.begins + late),
    )


def _stalled(random_: random.Random, phases: tuple[Phase, ...], closes: float) -> tuple[Phase, ...]:
    """Return the phases with a standstill, for some: short, long, or for good."""
    if random_.random() > 0.25:
        return phases
    begins = random_.uniform(phases[0].begins, max(closes, phases[0].begins))
    lasts = random_.choice((random_.uniform(3, 10), random_.uniform(20, 90), 6000)) * MINUTE
    resumed = [phase for phase in phases if phase.begins <= begins + lasts][-1].pace
    return (
        *(phase for phase in phases if phase.begins < begins),
        Phase(begins, 0.0),
        Phase(begins + lasts, resumed),
        *(phase for phase in phases if phase.begins > begins + lasts),
    )


def _outages(random_: random.Random, length: float) -> tuple[Span, ...]:
    found = []
    for _ in range(random_.choice((0, 0, 1, 1, 2))):
        begins = random_.uniform(0, length)
        found.append(Span(begins, begins + random_.uniform(1, 9) * MINUTE))
    if random_.random() < 0.1:
        begins = random_.uniform(0, length)
        found.append(Span(begins, begins + random_.uniform(20, 40) * MINUTE))
    return tuple(found)


def _exporters(random_: random.Random, scene: str, length: float) -> Iterator[Exporter]:
    """Yield the lives of each replica: restarts in place, and moves to another pod."""
    interval = random_.choice((15.0, 30.0))
    for replica in range(1 if random_.random() < 0.65 else 2):
        begins, moves = 0.0, 0
        restarts = sorted(random_.uniform(0, length) for _ in range(random_.choice((0, 0, 1, 2))))
        for ends in (*restarts, length):
            if ends <= begins:
                continue
            pod = f"{scene}-{replica}-{moves}"
            yield _exporter(random_, pod, Span(begins, ends), interval)
            begins = ends + random_.uniform(10, 180)
            moves += random_.random() < 0.6


def _exporter(random_: random.Random, pod: str, life: Span, interval: float) -> Exporter:
    first = life.begins - life.begins % GRID + GRID * random_.randint(1, int(interval / GRID))
    moments = [first + interval * n for n in range(int(life.length / interval) + 1)]
    failing = {moment for moment in moments if random_.random() < 0.004}
    lost = random_.choice(moments)
    lasts = random_.uniform(0, 3) * MINUTE
    failing.update(moment for moment in moments if lost <= moment < lost + lasts)
    return Exporter(
        f"{pod}:10110",
        pod,
        life,
        life.begins + random_.uniform(1, 6),
        first,
        interval,
        frozenset(failing),
    )
