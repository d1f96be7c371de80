"""The calls that a campaign makes, and the batch that the API lists at a time."""

import math
import random
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from exporter.model import Batch
from tools.alert_truth.campaigns import Campaign, Span

API_END_DELAY = 20.0
"""Seconds until the API ends a batch whose calls are completed or whose window has closed."""


class DialledCampaign:
    """A campaign with the times of its calls, in ascending order, and which of them are errors."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        chance = random.Random(campaign.seed)  # noqa: S311 - reproducible, not secret
        self.calls = _calls(campaign, chance)
        errors = 0
        self._errors = [0]
        for _ in self.calls:
            errors += chance.random() < campaign.error_share
            self._errors.append(errors)

    @cached_property
    def ended(self) -> float | None:
        """Return when the API sets the end of the batch; None if it does not."""
        campaign = self.campaign
        closes = math.inf if campaign.window_end is None else campaign.window_end
        set_by_api = min(self.all_completed, closes) + API_END_DELAY
        early = math.inf if campaign.ended_early is None else campaign.ended_early
        ended = min(set_by_api if campaign.api_sets_end else math.inf, early)
        return None if math.isinf(ended) else ended

    @cached_property
    def dialling(self) -> Span:
        """Return the span in which calls can be made and calls are remaining."""
        return Span(self.campaign.opens, min(_last_moment(self.campaign), self.all_completed))

    @cached_property
    def all_completed(self) -> float:
        """Return when the last call of the batch is made; infinite if it never is."""
        return self.calls[-1] if len(self.calls) == self.campaign.total else math.inf

    def completed(self, time: float) -> int:
        """Return the number of calls made until a time."""
        return bisect_right(self.calls, time)

    def remaining(self, time: float) -> int:
        """Return the number of calls not made until a time."""
        return self.campaign.total - self.completed(time)

    def errors(self, completed: int) -> int:
        """Return how many of the first `completed` calls are errors."""
        return self._errors[completed]

    def listed(self, time: float) -> Batch | None:
        """Return the batch as the API lists it at a time; None where the API has no such batch."""
        campaign = self.campaign
        deleted = campaign.deleted is not None and campaign.deleted <= time
        if deleted or time < campaign.created:
            return None
        return Batch(
            campaign.batch_id,
            campaign.created,
            campaign.total,
            self.completed(time),
            paused=campaign.paused is not None and campaign.paused <= time,
            window_start=campaign.window_start,
            window_end=campaign.window_end,
            ended=self.ended if self.ended is not None and self.ended <= time else None,
        )


def _last_moment(campaign: Campaign) -> float:
    ends = (campaign.window_end, campaign.paused, campaign.ended_early, campaign.deleted)
    return min((end for end in ends if end is not None), default=math.inf)


def _calls(campaign: Campaign, chance: random.Random) -> list[float]:
    last, calls = _last_moment(campaign), list[float]()
    for time in _burst_times(campaign, chance):
        if time >= last or len(calls) == campaign.total:
            break
        calls += [time] * min(campaign.burst, campaign.total - len(calls))
    return calls


def _burst_times(campaign: Campaign, chance: random.Random) -> Iterator[float]:
    """Yield the times of bursts: a Poisson process, or evenly spaced, at the completion rate."""
    due = 1.0 if campaign.even else chance.expovariate(1)
    ends = [*(phase.start for phase in campaign.phases[1:]), math.inf]
    for phase, phase_end in zip(campaign.phases, ends, strict=True):
        time, burst_rate = phase.start, phase.completion_rate / campaign.burst
        while burst_rate:
            following = time + due / burst_rate
            if following >= phase_end:
                due -= (phase_end - time) * burst_rate
                break
            time = following
            due = 1.0 if campaign.even else chance.expovariate(1)
            yield time
