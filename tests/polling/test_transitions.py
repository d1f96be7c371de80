"""The next snapshot after a poll."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.config import Polling
from exporter.model import Agent, AgentSnapshot, Batch, CallStatus, Listing, PollHealth
from exporter.polling.transitions import Poll, failed, succeeded, with_memory

POLLING = Polling(interval=30, idle_interval=120)
UNPOLLED = AgentSnapshot(Agent("main", "a", "A"), PollHealth(30))
LIVE = Batch("b", created=1, total=10, completed=4)
ENDED = replace(LIVE, ended=50)


def test_a_success_replaces_the_listing_and_the_interval() -> None:
    down = failed(UNPOLLED, Poll(10, 1), "status", POLLING, 1)
    up = succeeded(down, Poll(20, 2), Listing((LIVE,), pages=3, reported=7), POLLING)
    assert up.listing == Listing((LIVE,), pages=3, reported=7)
    assert up.pages == {"full": 3}
    assert up.health == PollHealth(
        interval=30,
        up=True,
        last_poll=20,
        last_success=20,
        duration=2,
        polls=2,
        failures={"status": 1},
    )


def test_failure_changes_the_health_and_nothing_else() -> None:
    up = succeeded(UNPOLLED, Poll(20, 2), Listing((LIVE,), pages=3), POLLING)
    once = failed(up, Poll(50, 1), "timeout", POLLING, 1)
    down = failed(once, Poll(80, 1), "auth", POLLING, 2)
    assert replace(down, health=up.health) == up
    assert down.health == PollHealth(
        interval=60,
        up=False,
        last_poll=80,
        last_success=20,
        duration=1,
        polls=3,
        failures={"timeout": 1, "auth": 1},
    )


def test_the_interval_depends_on_live_batches() -> None:
    idle = succeeded(UNPOLLED, Poll(20, 2), Listing((ENDED,), pages=1), POLLING)
    assert idle.health.interval == 120
    assert failed(idle, Poll(140, 1), "status", POLLING, 1).health.interval == 120
    busy = succeeded(idle, Poll(30, 1), Listing((LIVE,), pages=1), POLLING)
    assert busy.health.interval == 30


def remembered(known: Iterable[Batch], listed: Iterable[Batch], now: float) -> tuple[Batch, ...]:
    """Return what is known after a listing at a time."""
    return with_memory(known, listed, now, stale_after=600)


def test_progress_is_noted_when_completed_rises() -> None:
    seen = remembered([LIVE], [replace(LIVE, completed=5)], 100.0)
    assert seen == (replace(LIVE, completed=5, last_progress=100.0),)
    later = remembered(seen, [replace(LIVE, completed=5)], 200.0)
    assert later == seen


def test_no_progress_is_claimed_that_was_not_seen() -> None:
    assert remembered([], [LIVE], 100.0) == (LIVE,)
    assert remembered([LIVE], [LIVE], 100.0) == (LIVE,)
    fell = replace(LIVE, completed=1)
    assert remembered([LIVE], [fell], 100.0) == (fell,)


@given(st.lists(st.integers(min_value=0, max_value=9), min_size=1))
def test_last_progress_is_the_time_of_the_last_rise(counts: list[int]) -> None:
    known: tuple[Batch, ...] = ()
    for moment, count in enumerate(counts):
        known = remembered(known, [replace(LIVE, completed=count)], float(moment))
    rises = [i for i in range(1, len(counts)) if counts[i] > counts[i - 1]]
    assert known[0].last_progress == (float(rises[-1]) if rises else None)


def test_call_status_stays_until_it_is_outdated_and_old() -> None:
    status = CallStatus((6, 0, 4, 0, 0), asked=100.0, fingerprint=LIVE.progress_fingerprint(100.0))
    known = replace(LIVE, call_status=status)
    moved = replace(LIVE, completed=5)
    assert remembered([known], [LIVE], 9999.0)[0].call_status == status
    assert remembered([known], [moved], 699.0)[0].call_status == status
    assert remembered([known], [moved], 700.0)[0].call_status is None
