"""When each alert is right, from a campaign's definition and the calls that it made.

Nothing here looks at a metric. `true` is when the trouble is there, so that somebody must be told;
`arguable` is when telling is no mistake, what is true among it. Outside of it an alert is false.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

import msgspec

from tools.alert_truth.campaigns import HOUR, MINUTE, Span
from tools.alert_truth.dialling import Dialled

STALLED_AFTER = 15 * MINUTE
NOT_STARTED_AFTER = 15 * MINUTE
PAUSED_AFTER = 30 * MINUTE
CLOSED_FOR = 6 * HOUR
LEFT_CLEARLY, LEFT_ARGUABLY = 0.08, 0.02
"""Shares of the calls, around the 5 % of the alert."""

REFILL = 30 * MINUTE
"""For so long after a change of pace the look-back still holds some of the old one."""


class Verdict(msgspec.Struct, frozen=True):
    """When an alert about a batch must be told, and when it may be."""

    true: tuple[Span, ...] = ()
    arguable: tuple[Span, ...] = ()


Judge = Callable[[Dialled], Verdict]


def _stalled(dialled: Dialled) -> Verdict:
    span, campaign = dialled.dialling, dialled.campaign
    standing = (
        _both(Span(begins, ends), span)
        for (begins, pace), (ends, _) in pairwise((*campaign.phases, (span.ends, 0.0)))
        if pace == 0
    )
    unstarted = _both(Span(span.begins, campaign.phases[0].begins), span)
    gaps = pairwise((span.begins, *dialled.calls, span.ends))
    return Verdict(
        _later((unstarted, *standing), STALLED_AFTER),
        # The alert asks that 80 % of the time were observed.
        _later((Span(*gap) for gap in gaps), 0.8 * STALLED_AFTER),
    )


def _not_started(dialled: Dialled) -> Verdict:
    span = dialled.dialling
    first = min([span.ends, *dialled.calls[:1]])
    true = _later((Span(span.begins, first),), NOT_STARTED_AFTER)
    return Verdict(true, true)


def _paused(dialled: Dialled) -> Verdict:
    campaign = dialled.campaign
    if campaign.paused is None or not dialled.left(campaign.paused):
        return Verdict()
    ends = _first(campaign.window_end, dialled.ended, campaign.deleted)
    true = _later((Span(max(campaign.paused, campaign.opens), ends),), PAUSED_AFTER)
    return Verdict(true, true)


def _closed(dialled: Dialled) -> Verdict:
    campaign = dialled.campaign
    closes = _first(campaign.window_end, dialled.ended)
    if not dialled.left(closes):
        return Verdict()
    true = _later((Span(closes, min(closes + CLOSED_FOR, _first(campaign.deleted))),), 0)
    return Verdict(true, true)


def _will_miss(dialled: Dialled) -> Verdict:
    """Project the pace that the definition has in force, from the calls that are really left."""
    campaign, span = dialled.campaign, dialled.dialling
    closes = campaign.window_end
    if closes is None:
        return Verdict()

    def share(moment: float) -> float:
        ahead = campaign.pace(moment) * (closes - moment)
        return (dialled.left(moment) - ahead) / campaign.total

    arguable = _when(lambda moment: share(moment) > LEFT_ARGUABLY, span)
    return Verdict(
        tuple(_when(lambda moment: share(moment) > LEFT_CLEARLY, span)),
        tuple(Span(begins, ends + REFILL) for begins, ends in arguable),
    )


def _many_errors(dialled: Dialled) -> Verdict:
    campaign, calls = dialled.campaign, dialled.calls
    until = min(_first(campaign.window_end, dialled.ended) + CLOSED_FOR, _first(campaign.deleted))
    made = (*calls, until)
    troubled = [
        Span(made[n - 1], made[n]) for n in range(20, len(made)) if dialled.errors(n) / n > 0.2
    ]
    arguable = tuple(joined(troubled))
    evident = Span(made[100], until) if len(calls) > 100 and campaign.error_share > 0.3 else None
    return Verdict((evident,) if evident else (), arguable)


JUDGES: Mapping[str, Judge] = {
    "UltravoxBatchStalled": _stalled,
    "UltravoxBatchPaused": _paused,
    "UltravoxBatchWillMissWindow": _will_miss,
    "UltravoxBatchNotStarted": _not_started,
    "UltravoxBatchClosedWithCallsLeft": _closed,
    "UltravoxBatchManyErrors": _many_errors,
}


def _first(*moments: float | None) -> float:
    return min((moment for moment in moments if moment is not None), default=1e9)


def _both(one: Span, other: Span) -> Span:
    return Span(max(one.begins, other.begins), min(one.ends, other.ends))


def _later(spans: "tuple[Span, ...] | Iterator[Span]", seconds: float) -> tuple[Span, ...]:
    """Return what is left of spans so many seconds after their beginning."""
    return tuple(Span(b + seconds, e) for b, e in spans if e - b > seconds)


STEP = 30.0


def _when(condition: Callable[[float], bool], span: Span) -> Iterator[Span]:
    """Yield the spans in which a condition holds, to half a minute."""
    moments = (span.begins + STEP * n for n in range(int(max(span.length, 0) / STEP) + 1))
    yield from joined([Span(at, min(at + STEP, span.ends)) for at in moments if condition(at)])


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans that touch, by their beginnings, as one."""
    current: Span | None = None
    for span in spans:
        if current and span.begins <= current.ends + 1e-6:
            current = Span(current.begins, max(current.ends, span.ends))
        else:
            if current:
                yield current
            current = span
    if current:
        yield current
