"""What the alerts said, held against the verdicts."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from tools.alert_truth.campaigns import MINUTE, Campaign, Scene, Span
from tools.alert_truth.dialling import Dialled
from tools.alert_truth.evaluate import Firings
from tools.alert_truth.verdicts import JUDGES, PAUSED_AFTER, STALLED_AFTER, Verdict, joined

TOLD_WITHIN = {
    "UltravoxBatchStalled": 3 * MINUTE,
    "UltravoxBatchPaused": 3 * MINUTE,
    "UltravoxBatchWillMissWindow": 50 * MINUTE,
    "UltravoxBatchNotStarted": 3 * MINUTE,
    "UltravoxBatchClosedWithCallsLeft": 4 * MINUTE,
    "UltravoxBatchManyErrors": 5 * MINUTE,
}
"""How long after its beginning a trouble must be told: a poll, a scrape and an evaluation; for
calls by status two minutes more; for a forecast half an hour of the new pace and a quarter in which
it holds."""

LASTS = {"UltravoxBatchStalled": STALLED_AFTER, "UltravoxBatchPaused": PAUSED_AFTER}
"""How long what is wrong must have been so, where an alert asks since when. The API does not say
that: what begins in an outage is seen at its end."""

WATCHED_FOR = {
    "UltravoxBatchStalled": 15 * MINUTE,
    "UltravoxBatchPaused": 30 * MINUTE,
    "UltravoxBatchWillMissWindow": 30 * MINUTE,
}
"""How long an alert looks back: so long after the very first scrape it is silent."""

RESOLVED_WITHIN = 8 * MINUTE
"""How long after a trouble's end it may still be told: five minutes for series that are gone, and
an idle agent's poll."""

BACK_OFF = 5 * MINUTE
"""How long after an outage it may take until the API is asked again."""

LOOKBACK = 4.5 * MINUTE
"""Without a scrape for so long, series may not be read any more when the next is evaluated."""

CACHED = 10 * MINUTE
"""Longer outages leave nothing to speak from."""


class Event(NamedTuple):
    """Something to tell of a trouble, or of an alert.

    `what`: a trouble was `told`, `missed`, or told `again` though it had not gone; an alert was
    `false`, or `arguable`: no trouble, and no mistake. `late` is how long it took.
    """

    what: str
    alert: str
    campaign: Campaign
    span: Span
    fired: tuple[Span, ...]
    late: float = 0.0


def events(scene: Scene, dialled: Iterable[Dialled], firings: Firings) -> Iterator[Event]:
    """Yield what is to be said of a scene's alerts."""
    for each in dialled:
        campaign = each.campaign
        for alert, judge in JUDGES.items():
            verdict = judge(each)
            fired = tuple(firings.get((alert, campaign.batch_id), ()))
            for span in fired:
                if what := _wrong(scene, verdict, span):
                    yield Event(what, alert, campaign, span, fired)
            for true in verdict.true:
                for what, late in _of_trouble(scene, alert, true, fired):
                    yield Event(what, alert, campaign, true, fired, late)


def _of_trouble(
    scene: Scene, alert: str, true: Span, fired: Iterable[Span]
) -> Iterator[tuple[str, float]]:
    """Yield what is to be said of a trouble, and how late it was told."""
    watched = scene.exporters[0].first_poll + WATCHED_FOR.get(alert, 0)
    lasted = LASTS.get(alert, 0)
    begins = _seen(scene, true.begins - lasted) + lasted
    seen = Span(max(begins, watched), min(true.ends, scene.length))
    told = [span for span in fired if _meets(scene, true, span)]
    if told:
        yield "told", max(0.0, told[0].begins - seen.begins)
    elif _visible(scene, seen) > TOLD_WITHIN[alert]:
        yield "missed", 0.0
    if len(told) > 1 and not any(blind.meets(true) for blind in _blind(scene)):
        yield "again", 0.0


def _wrong(scene: Scene, verdict: Verdict, span: Span) -> str | None:
    """Return what is wrong with an alert, if anything is."""
    extended = (Span(each.begins, _known(scene, each.ends)) for each in verdict.arguable)
    if not any(each.begins <= span.begins and span.ends <= each.ends for each in joined(extended)):
        return "false"
    return None if any(_meets(scene, true, span) for true in verdict.true) else "arguable"


def _meets(scene: Scene, trouble: Span, fired: Span) -> bool:
    return Span(trouble.begins, _known(scene, trouble.ends)).meets(fired)


def _known(scene: Scene, moment: float) -> float:
    """Return by when what happened at a moment must be known."""
    return _seen(scene, moment) + RESOLVED_WITHIN


def _seen(scene: Scene, moment: float) -> float:
    """Return when what happened at a moment is seen, at the latest, but for a poll."""
    for outage in sorted(scene.outages):
        if outage.begins - MINUTE <= moment < outage.ends + BACK_OFF:
            moment = outage.ends + BACK_OFF
    return moment


def _visible(scene: Scene, span: Span) -> float:
    """Return the longest part of a span that outages leave."""
    longest, begins = 0.0, span.begins
    for outage in sorted(scene.outages):
        longest = max(longest, min(outage.begins, span.ends) - begins)
        begins = max(begins, outage.ends + BACK_OFF)
    return max(longest, span.ends - begins)


def _blind(scene: Scene) -> Iterator[Span]:
    """Yield when there was nothing to speak from: more went wrong at once than an alert bridges."""
    outages = joined(Span(begins, ends + BACK_OFF) for begins, ends in sorted(scene.outages))
    for outage in outages:
        lost = any(outage.holds(exporter.life.begins) for exporter in scene.exporters)
        if outage.length > CACHED + BACK_OFF or lost:
            yield outage
    scraped = sorted(moment for each in scene.exporters for moment in each.scrapes())
    for before, after in pairwise(scraped):
        if after - before > LOOKBACK:
            yield Span(before, after)
