"""A campaign's counts: pure, bounded, never falling, following the clock."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator import Batch, Campaign
from exporter.simulator.progress import calls_by_status, completed_count, observe, place

TIMES = st.floats(-1e6, 1e6)
OPTIONAL_TIMES = st.none() | TIMES
CAMPAIGNS = st.builds(
    Campaign,
    batch_id=st.just("b"),
    scenario=st.just("any"),
    created=TIMES,
    total=st.integers(1, 10_000),
    rate=st.floats(0, 100),
    window_start=OPTIONAL_TIMES,
    window_end=OPTIONAL_TIMES,
    stalled_at=OPTIONAL_TIMES,
    paused_at=OPTIONAL_TIMES,
    ends=st.booleans(),
    error_share=st.floats(0, 1),
)
PLAIN = Campaign(batch_id="b", scenario="plain", created=0, total=100, rate=1)


@given(CAMPAIGNS, TIMES, TIMES)
def test_counts_never_fall_and_never_pass_the_total(
    campaign: Campaign, one: float, other: float
) -> None:
    earlier, later = sorted((one, other))
    assert 0 <= completed_count(campaign, earlier) <= completed_count(campaign, later)
    assert completed_count(campaign, later) <= campaign.total


@given(CAMPAIGNS, TIMES)
def test_no_served_time_is_in_the_future(campaign: Campaign, now: float) -> None:
    batch = observe(campaign, now)
    assert batch.ended_at is None or batch.ended_at <= now
    assert batch.completed_count == 0 or campaign.created <= now


@given(CAMPAIGNS, TIMES)
def test_every_call_is_in_one_status(campaign: Campaign, now: float) -> None:
    counts = calls_by_status(observe(campaign, now), now)
    assert sum(counts.values()) == campaign.total
    assert min(counts.values()) >= 0


@given(st.floats(-86_400, 86_400), st.sampled_from([1.0, 2.0, 60.0]))
def test_speed_changes_the_time_not_the_counts(offset: float, speed: float) -> None:
    """After S seconds at speed N a campaign is where it is after N·S seconds at speed 1."""
    fast = completed_count(place(PLAIN, 1_000.0, speed), 1_000.0 + offset / speed)
    slow = completed_count(place(PLAIN, 1_000.0, 1.0), 1_000.0 + offset)
    assert abs(fast - slow) <= 1  # a rounded time may fall on either side of the last call


def test_offsets_are_divided_by_the_speed_and_windows_are_on_whole_seconds() -> None:
    campaign = msgspec.structs.replace(
        PLAIN, created=-60, window_start=-30, window_end=615, stalled_at=120, paused_at=90
    )
    placed = place(campaign, 1_000.25, 60)
    assert (placed.created, placed.rate) == (999.25, 60)
    assert (placed.window_start, placed.window_end) == (1_000, 1_010)
    assert (placed.stalled_at, placed.paused_at) == (1_002.25, 1_001.75)


@pytest.mark.parametrize(
    ("changes", "now", "completed", "ended_at"),
    [
        ({}, 50.5, 50, None),
        ({}, 100, 100, 100),
        ({"ends": False}, 100, 100, None),
        ({"window_start": 20.0}, 50, 30, None),
        ({"window_start": -20.0}, 50, 50, None),
        ({"window_end": 40.0}, 39, 39, None),
        ({"window_end": 40.0}, 50, 40, 40),
        ({"window_end": 40.0, "ends": False}, 50, 40, None),
        ({"stalled_at": 30.0}, 1e9, 30, None),
        ({"stalled_at": 30.0, "window_end": 60.0}, 61, 30, 60),
        ({"paused_at": 30.0}, 31, 30, None),
        ({"rate": 0.0}, 1e9, 0, None),
    ],
)
def test_when_a_campaign_stops_and_when_it_ends(
    changes: dict[str, float], now: float, completed: int, ended_at: float | None
) -> None:
    batch = observe(msgspec.structs.replace(PLAIN, **changes), now)
    assert (batch.completed_count, batch.ended_at) == (completed, ended_at)


def test_a_campaign_is_paused_from_paused_at_on() -> None:
    campaign = msgspec.structs.replace(PLAIN, paused_at=30.0)
    assert [observe(campaign, now).paused for now in (29, 30, 31)] == [False, True, True]


@pytest.mark.parametrize(
    ("batch", "status"),
    [
        (Batch(batch_id="b", created=0, total_count=9, completed_count=4, ended_at=5), "EXPIRED"),
        (
            Batch(batch_id="b", created=0, total_count=9, completed_count=4, window_end=10),
            "EXPIRED",
        ),
        (
            Batch(batch_id="b", created=0, total_count=9, completed_count=4, window_start=11),
            "FUTURE",
        ),
        (
            Batch(batch_id="b", created=0, total_count=9, completed_count=4, window_start=10),
            "PENDING",
        ),
        (
            Batch(batch_id="b", created=0, total_count=9, completed_count=4, window_end=11),
            "PENDING",
        ),
    ],
)
def test_calls_not_made_are_future_pending_or_expired(batch: Batch, status: str) -> None:
    counts = calls_by_status(batch, 10)
    assert {name: count for name, count in counts.items() if count} == {status: 5, "SUCCESS": 4}


def test_errors_count_as_completed() -> None:
    batch = observe(msgspec.structs.replace(PLAIN, error_share=0.25), 40)
    assert (batch.completed_count, batch.error_count) == (40, 10)
    assert calls_by_status(batch, 40)["SUCCESS"] == 30
