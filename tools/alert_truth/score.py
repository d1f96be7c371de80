"""Compare when alerts fired with when they were expected."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from tools.alert_truth.campaigns import MINUTE, Campaign, Scenario, Span
from tools.alert_truth.dialling import DialledCampaign
from tools.alert_truth.evaluate import Fired
from tools.alert_truth.expectations import (
    EXPECTATIONS,
    PAUSED_AFTER,
    STALLED_AFTER,
    Expectation,
    joined,
)

REPORTED_WITHIN = {
    "UltravoxBatchStalled": 3 * MINUTE,
    "UltravoxBatchPaused": 3 * MINUTE,
    "UltravoxBatchWillMissWindow": 50 * MINUTE,
    "UltravoxBatchNotStarted": 3 * MINUTE,
    "UltravoxBatchClosedWithCallsLeft": 4 * MINUTE,
    "UltravoxBatchManyErrors": 5 * MINUTE,
}
"""Seconds within which an incident must be reported: a poll, a scrape and an evaluation. Calls by
status take two minutes more. A forecast takes half an hour of the new completion rate, and a
quarter of an hour in which the forecast stays the same."""

LASTS_FOR = {"UltravoxBatchStalled": STALLED_AFTER, "UltravoxBatchPaused": PAUSED_AFTER}
"""Seconds that the cause of an incident lasts before the incident starts. The API does not say when
the cause started: if that was in an outage, it is seen at the end of the outage."""

NEEDS_HISTORY = {
    "UltravoxBatchStalled": 15 * MINUTE,
    "UltravoxBatchPaused": 30 * MINUTE,
    "UltravoxBatchWillMissWindow": 30 * MINUTE,
}
"""Seconds that an alert looks back. After the first scrape it can't fire for this long."""

RESOLVED_WITHIN = 8 * MINUTE
"""Seconds that an alert may fire after the end of an incident: five minutes for series that are
gone, and the poll of an idle agent."""

BACK_OFF = 5 * MINUTE
"""Seconds after an outage until the API is polled again, at most."""

SCRAPE_GAP = 4.5 * MINUTE
"""Seconds without a scrape after which the rules may read no series at their next evaluation."""

LONG_OUTAGE = 10 * MINUTE
"""Seconds of an outage after which an alert may have no data."""

Kind: TypeAlias = Literal["reported", "missed", "false", "repeated", "tolerated"]


class Finding(NamedTuple):
    """What is right or wrong about an incident or an alert.

    An incident was `reported` or `missed`, or its alert resolved and fired again (`repeated`). An
    alert was `false`, or `tolerated`: there was no incident, but firing was no mistake. `delay` is
    the number of seconds until an incident was reported.
    """

    kind: Kind
    alert: str
    campaign: Campaign
    span: Span
    fired: tuple[Span, ...]
    delay: float = 0.0


def findings(
    scenario: Scenario, dialled: Iterable[DialledCampaign], fired: Fired
) -> Iterator[Finding]:
    """Yield the findings about a scenario."""
    for each in dialled:
        campaign = each.campaign
        for alert, expect in EXPECTATIONS.items():
            expectation = expect(each)
            spans = tuple(fired.get((alert, campaign.batch_id), ()))
            for span in spans:
                if kind := _unexpected(scenario, expectation, span):
                    yield Finding(kind, alert, campaign, span, spans)
            for incident in expectation.incidents:
                for kind, delay in _reports(scenario, alert, incident, spans):
                    yield Finding(kind, alert, campaign, incident, spans, delay)


def _reports(
    scenario: Scenario, alert: str, incident: Span, fired: Iterable[Span]
) -> Iterator[tuple[Kind, float]]:
    """Yield whether an incident was reported, and the delay in seconds."""
    history_start = scenario.exporters[0].first_poll + NEEDS_HISTORY.get(alert, 0)
    lasts = LASTS_FOR.get(alert, 0)
    start = _seen_by(scenario, incident.start - lasts) + lasts
    expected = Span(max(start, history_start), min(incident.end, scenario.length))
    reports = [span for span in fired if _belongs(scenario, incident, span)]
    if reports:
        yield "reported", max(0.0, reports[0].start - expected.start)
    elif _longest_observed(scenario, expected) > REPORTED_WITHIN[alert]:
        yield "missed", 0.0
    if len(reports) > 1 and not any(gap.overlaps(incident) for gap in _gaps(scenario)):
        yield "repeated", 0.0


def _unexpected(scenario: Scenario, expectation: Expectation, fired: Span) -> Kind | None:
    """Return what is wrong about an alert; None where it belongs to an incident."""
    tolerated = joined(
        Span(span.start, _resolved_by(scenario, span.end)) for span in expectation.tolerated
    )
    if not any(span.start <= fired.start and fired.end <= span.end for span in tolerated):
        return "false"
    if any(_belongs(scenario, incident, fired) for incident in expectation.incidents):
        return None
    return "tolerated"


def _belongs(scenario: Scenario, incident: Span, fired: Span) -> bool:
    return Span(incident.start, _resolved_by(scenario, incident.end)).overlaps(fired)


def _resolved_by(scenario: Scenario, end: float) -> float:
    """Return by when the alert of an incident with this end must resolve."""
    return _seen_by(scenario, end) + RESOLVED_WITHIN


def _seen_by(scenario: Scenario, time: float) -> float:
    """Return when the exporter sees what happened at a time: later than that in an outage."""
    for outage in sorted(scenario.outages):
        if outage.start - MINUTE <= time < outage.end + BACK_OFF:
            time = outage.end + BACK_OFF
    return time


def _longest_observed(scenario: Scenario, span: Span) -> float:
    """Return the seconds of the longest part of a span without an outage."""
    longest, start = 0.0, span.start
    for outage in sorted(scenario.outages):
        longest = max(longest, min(outage.start, span.end) - start)
        start = max(start, outage.end + BACK_OFF)
    return max(longest, span.end - start)


def _gaps(scenario: Scenario) -> Iterator[Span]:
    """Yield the spans without data for the rules, after which an alert may fire again."""
    outages = joined(Span(start, end + BACK_OFF) for start, end in sorted(scenario.outages))
    for outage in outages:
        restarted = any(outage.contains(each.lifetime.start) for each in scenario.exporters)
        if outage.length > LONG_OUTAGE + BACK_OFF or restarted:
            yield outage
    scrapes = sorted(time for each in scenario.exporters for time in each.scrapes())
    for before, after in pairwise(scrapes):
        if after - before > SCRAPE_GAP:
            yield Span(before, after)
