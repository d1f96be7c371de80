"""The calls that a campaign makes, and how the API shows it at a moment."""

import math
import random
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from exporter.model import Batch
from tools.alert_truth.campaigns import Campaign, Span

BY_ITSELF = 20.0
"""Seconds after which the API ends a batch that is through, or whose window has closed."""


class Dialled:
    """A campaign as it goes: the moments of its calls, in their order, and which are errors."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        # Reproducible by design, nothing secret comes of it.
        chance = random.Random(campaign.seed)  # noqa: S311 - reproducible, not secret
        self.calls = _calls(campaign, chance)
        errors = 0
        self._errors = [0]
        for _ in self.calls:
            errors += chance.random() < campaign.error_share
            self._errors.append(errors)

    @cached_property
    def ended(self) -> float | None:
        """When the API sets the batch's end."""
        campaign = self.campaign
        through = self.calls[-1] if len(self.calls) == campaign.total else math.inf
        closes = math.inf if campaign.window_end is None else campaign.window_end
        by_itself = min(through, closes) + BY_ITSELF if campaign.ends else math.inf
        early = math.inf if campaign.ended_early is None else campaign.ended_early
        ended = min(by_itself, early)
        return None if math.isinf(ended) else ended

    @cached_property
    def dialling(self) -> Span:
        """While calls can be made and there are calls left."""
        return Span(self.campaign.opens, min(_stops(self.campaign), self.through))

    @cached_property
    def through(self) -> float:
        """When the last call of the batch is made; infinite if never."""
        return self.calls[-1] if len(self.calls) == self.campaign.total else math.inf

    def completed(self, moment: float) -> int:
        """Return the calls made by a moment."""
        return bisect_right(self.calls, moment)

    def left(self, moment: float) -> int:
        """Return the calls not made by a moment."""
        return self.campaign.total - self.completed(moment)

    def errors(self, completed: int) -> int:
        """Return how many of the first calls are errors."""
        return self._errors[completed]

    def listed(self, moment: float) -> Batch | None:
        """Return the batch as a poll finds it; None where it does not."""
        campaign = self.campaign
        gone = campaign.deleted is not None and campaign.deleted <= moment
        if gone or moment < campaign.created:
            return None
        return Batch(
            campaign.batch_id,
            campaign.created,
            campaign.total,
            self.completed(moment),
            paused=campaign.paused is not None and campaign.paused <= moment,
            window_start=campaign.window_start,
            window_end=campaign.window_end,
            ended=self.ended if self.ended is not None and self.ended <= moment else None,
        )


def _stops(campaign: Campaign) -> float:
    ends = (campaign.window_end, campaign.paused, campaign.ended_early, campaign.deleted)
    return min((end for end in ends if end is not None), default=math.inf)


def _calls(campaign: Campaign, chance: random.Random) -> list[float]:
    stops, calls = _stops(campaign), list[float]()
    for moment in _moments(campaign, chance):
        if moment >= stops or len(calls) == campaign.total:
            break
        calls += [moment] * min(campaign.burst, campaign.total - len(calls))
    return calls


def _moments(campaign: Campaign, chance: random.Random) -> Iterator[float]:
    """Yield the moments at which bursts begin: a process whose intensity is the pace."""
    due = 1.0 if campaign.even else chance.expovariate(1)
    ends = [*(phase.begins for phase in campaign.phases[1:]), math.inf]
    for phase, until in zip(campaign.phases, ends, strict=True):
        moment, bursts = phase.begins, phase.pace / campaign.burst
        while bursts:
            coming = moment + due / bursts
            if coming >= until:
                due -= (until - moment) * bursts
                break
            moment = coming
            due = 1.0 if campaign.even else chance.expovariate(1)
            yield moment
