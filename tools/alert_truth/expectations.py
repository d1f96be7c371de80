"""When each alert must fire and when it may fire, from a campaign and the calls that it made.

Nothing in this module reads a metric.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

import msgspec

from tools.alert_truth.campaigns import HOUR, MINUTE, Span
from tools.alert_truth.dialling import DialledCampaign

STALLED_AFTER = 15 * MINUTE
NOT_STARTED_AFTER = 15 * MINUTE
PAUSED_AFTER = 30 * MINUTE
CLOSED_FOR = 6 * HOUR

OBSERVED_SHARE = 0.8
"""Share of `STALLED_AFTER` that must be observed before UltravoxBatchStalled fires."""

CLEAR_MISS, TOLERATED_MISS = 0.08, 0.02
"""Shares of the calls that remain at the end of the window, around the 5 % of the alert."""

LOOK_BACK = 30 * MINUTE
"""Seconds after a change of the completion rate in which the rules still measure the old one."""

STEP = 30.0
"""Seconds between two times at which a condition is evaluated."""

NEVER = 1e9
"""A time after the end of every history."""


class Expectation(msgspec.Struct, frozen=True):
    """The incidents of a campaign for one alert.

    The alert must fire in each span of `incidents`. It may fire in each span of `tolerated`, which
    contain the incidents. Everywhere else it is false.
    """

    incidents: tuple[Span, ...] = ()
    tolerated: tuple[Span, ...] = ()


def _stalled(dialled: DialledCampaign) -> Expectation:
    dialling, campaign = dialled.dialling, dialled.campaign
    stalls = (
        _intersection(Span(start, end), dialling)
        for (start, rate), (end, _) in pairwise((*campaign.phases, (dialling.end, 0.0)))
        if rate == 0
    )
    late_start = _intersection(Span(dialling.start, campaign.phases[0].start), dialling)
    gaps = pairwise((dialling.start, *dialled.calls, dialling.end))
    return Expectation(
        _after((late_start, *stalls), STALLED_AFTER),
        _after((Span(*gap) for gap in gaps), OBSERVED_SHARE * STALLED_AFTER),
    )


def _not_started(dialled: DialledCampaign) -> Expectation:
    dialling = dialled.dialling
    first_call = min([dialling.end, *dialled.calls[:1]])
    return _exactly(_after((Span(dialling.start, first_call),), NOT_STARTED_AFTER))


def _paused(dialled: DialledCampaign) -> Expectation:
    campaign = dialled.campaign
    if campaign.paused is None or not dialled.remaining(campaign.paused):
        return Expectation()
    end = _earliest(campaign.window_end, dialled.ended, campaign.deleted)
    return _exactly(_after((Span(max(campaign.paused, campaign.opens), end),), PAUSED_AFTER))


def _closed(dialled: DialledCampaign) -> Expectation:
    campaign = dialled.campaign
    closes = _earliest(campaign.window_end, dialled.ended)
    if not dialled.remaining(closes):
        return Expectation()
    return _exactly(
        _after((Span(closes, min(closes + CLOSED_FOR, _earliest(campaign.deleted))),), 0)
    )


def _will_miss(dialled: DialledCampaign) -> Expectation:
    """Project the completion rate of the definition from the number of calls really remaining."""
    campaign, dialling = dialled.campaign, dialled.dialling
    closes = campaign.window_end
    if closes is None:
        return Expectation()

    def missed_share(time: float) -> float:
        ahead = campaign.completion_rate(time) * (closes - time)
        return (dialled.remaining(time) - ahead) / campaign.total

    tolerated = _when(lambda time: missed_share(time) > TOLERATED_MISS, dialling)
    return Expectation(
        tuple(_when(lambda time: missed_share(time) > CLEAR_MISS, dialling)),
        tuple(Span(start, end + LOOK_BACK) for start, end in tolerated),
    )


def _many_errors(dialled: DialledCampaign) -> Expectation:
    """Require the alert from the 100th call on, and tolerate it where chance made the errors."""
    campaign, calls = dialled.campaign, dialled.calls
    closed = _earliest(campaign.window_end, dialled.ended)
    end = min(closed + CLOSED_FOR, _earliest(campaign.deleted))
    times = (*calls, end)
    erroneous = [
        Span(times[n - 1], times[n]) for n in range(20, len(times)) if dialled.errors(n) / n > 0.2
    ]
    required = len(calls) > 100 and campaign.error_share > 0.3
    incidents = (Span(times[100], end),) if required else ()
    return Expectation(incidents, tuple(joined(erroneous)))


EXPECTATIONS: Mapping[str, Callable[[DialledCampaign], Expectation]] = {
    "UltravoxBatchStalled": _stalled,
    "UltravoxBatchPaused": _paused,
    "UltravoxBatchWillMissWindow": _will_miss,
    "UltravoxBatchNotStarted": _not_started,
    "UltravoxBatchClosedWithCallsLeft": _closed,
    "UltravoxBatchManyErrors": _many_errors,
}
"""For each alert, the function that returns a campaign's expectation."""


def _exactly(incidents: tuple[Span, ...]) -> Expectation:
    return Expectation(incidents, incidents)


def _earliest(*times: float | None) -> float:
    return min((time for time in times if time is not None), default=NEVER)


def _intersection(one: Span, other: Span) -> Span:
    return Span(max(one.start, other.start), min(one.end, other.end))


def _after(spans: Iterable[Span], seconds: float) -> tuple[Span, ...]:
    """Return the spans without their first seconds, those that are long enough."""
    return tuple(Span(start + seconds, end) for start, end in spans if end - start > seconds)


def _when(condition: Callable[[float], bool], span: Span) -> Iterator[Span]:
    """Yield the parts of a span in which a condition is true, in steps of `STEP` seconds."""
    times = (span.start + STEP * n for n in range(int(max(span.length, 0) / STEP) + 1))
    yield from joined([Span(at, min(at + STEP, span.end)) for at in times if condition(at)])


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the spans, given in order of their starts, with those that touch made into one."""
    current: Span | None = None
    for span in spans:
        if current and span.start <= current.end + 1e-6:
            current = Span(current.start, max(current.end, span.end))
        else:
            if current:
                yield current
            current = span
    if current:
        yield current
