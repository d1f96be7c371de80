"""The progress of a campaign: pure functions of a frozen definition and the time."""

import math

import msgspec

from exporter.simulator.model import Account, Agent, Batch, Campaign


def place(campaign: Campaign, epoch: float, speed: float) -> Campaign:
    """Return the campaign on the real clock: offsets in unix seconds, its rate per real second.

    Simulated time runs `speed` times as fast, so an offset of S simulated seconds is S / speed real
    seconds from `epoch`. Windows are on whole seconds, as people enter them: so the API serves
    timestamps without a fraction beside those with one.
    """

    def real(offset: float | None) -> float | None:
        return None if offset is None else epoch + offset / speed

    def whole(offset: float | None) -> float | None:
        return None if offset is None else float(round(epoch + offset / speed))

    return msgspec.structs.replace(
        campaign,
        created=epoch + campaign.created / speed,
        rate=campaign.rate * speed,
        window_start=whole(campaign.window_start),
        window_end=whole(campaign.window_end),
        stalled_at=real(campaign.stalled_at),
        paused_at=real(campaign.paused_at),
    )


def place_agent(agent: Agent, epoch: float, speed: float) -> Agent:
    """Return the agent on the real clock: `created` in unix seconds, no campaigns."""
    created = epoch + agent.created / speed
    return msgspec.structs.replace(agent, created=created, campaigns=())


def place_account(account: Account, epoch: float, speed: float) -> Account:
    """Return the account on the real clock: `subscription_expiration` in unix seconds."""
    offset = account.subscription_expiration
    placed = None if offset is None else epoch + offset / speed
    return msgspec.structs.replace(account, subscription_expiration=placed)


def observe(campaign: Campaign, now: float) -> Batch:
    """Return the batch as the API shows it at `now`; the campaign is placed on the same clock.

    `completedCount` counts calls made or failed (documented). `endedAt` is set when the last call
    is made, or at the end of the window (both inferred: no documentation says what sets it).
    """
    completed = completed_count(campaign, now)
    return Batch(
        batch_id=campaign.batch_id,
        created=campaign.created,
        total_count=campaign.total,
        completed_count=completed,
        error_count=int(completed * campaign.error_share),
        window_start=campaign.window_start,
        window_end=campaign.window_end,
        ended_at=_ended_at(campaign, now),
        paused=campaign.paused_at is not None and campaign.paused_at <= now,
        throttle=campaign.throttle,
        webhook_url=campaign.webhook_url,
        webhook_secret=campaign.webhook_secret,
        omitted=campaign.omitted,
    )


def completed_count(campaign: Campaign, now: float) -> int:
    """Return the number of calls made by `now`, which grows with `now` from 0 to the total."""
    if now >= _last_call_at(campaign):
        return campaign.total
    elapsed = min(now, _stops_at(campaign)) - _starts_at(campaign)
    return min(campaign.total, int(campaign.rate * max(0.0, elapsed)))


def calls_by_status(batch: Batch, now: float) -> dict[str, int]:
    """Return the number of calls in each status (documented: the five names) at `now`.

    Calls not made by the end of the window are EXPIRED (documented); before the window opens they
    are FUTURE and within it PENDING (inferred from the names).
    """
    remaining = max(batch.total_count - batch.completed_count, 0)
    status = _status_of_remaining(batch, now)
    return {
        "FUTURE": remaining if status == "FUTURE" else 0,
        "PENDING": remaining if status == "PENDING" else 0,
        "SUCCESS": batch.completed_count - batch.error_count,
        "EXPIRED": remaining if status == "EXPIRED" else 0,
        "ERROR": batch.error_count,
    }


def _status_of_remaining(batch: Batch, now: float) -> str:
    if batch.ended_at is not None:
        return "EXPIRED"
    if batch.window_end is not None and batch.window_end <= now:
        return "EXPIRED"
    if batch.window_start is not None and batch.window_start > now:
        return "FUTURE"
    return "PENDING"


def _starts_at(campaign: Campaign) -> float:
    """Return the time from which calls are made."""
    return max(campaign.created, campaign.window_start or -math.inf)


def _stops_at(campaign: Campaign) -> float:
    """Return the time from which no call is made; infinity if there is none."""
    ends = (campaign.window_end, campaign.stalled_at, campaign.paused_at)
    return min((end for end in ends if end is not None), default=math.inf)


def _last_call_at(campaign: Campaign) -> float:
    """Return the time of the last call; infinity if it is never made."""
    if campaign.rate == 0:
        return math.inf
    last = _starts_at(campaign) + campaign.total / campaign.rate
    return last if last <= _stops_at(campaign) else math.inf


def _ended_at(campaign: Campaign, now: float) -> float | None:
    window_end = math.inf if campaign.window_end is None else campaign.window_end
    ended = min(_last_call_at(campaign), window_end)
    return ended if campaign.ends and ended <= now else None
