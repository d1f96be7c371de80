"""States, windows and retention of batches."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.model import Batch, BatchState

times = st.floats(min_value=0, max_value=4e9)
counts = st.integers(min_value=0, max_value=10**9)
batches = st.builds(
    Batch,
    batch_id=st.just("b"),
    created=times,
    total=counts,
    completed=counts,
    paused=st.booleans(),
    window_start=st.none() | times,
    window_end=st.none() | times,
    ended=st.none() | times,
)

ACTIVE = Batch("b", created=0, total=2, completed=1, window_start=100, window_end=200)


def test_the_first_state_that_applies_is_the_state() -> None:
    """Each step adds the condition of one state, from the last state to the first."""
    now = 150.0
    batch = ACTIVE
    assert batch.state(now) is BatchState.ACTIVE
    batch = replace(batch, completed=2)
    assert batch.state(now) is BatchState.DRAINED
    batch = replace(batch, window_start=151)
    assert batch.state(now) is BatchState.SCHEDULED
    batch = replace(batch, window_end=150)
    assert batch.state(now) is BatchState.WINDOW_CLOSED
    batch = replace(batch, paused=True)
    assert batch.state(now) is BatchState.PAUSED
    batch = replace(batch, ended=10**9)
    assert batch.state(now) is BatchState.ENDED


def test_the_window_opens_at_its_start_and_closes_at_its_end() -> None:
    assert ACTIVE.state(99.9) is BatchState.SCHEDULED
    assert ACTIVE.state(100) is BatchState.ACTIVE
    assert ACTIVE.state(199.9) is BatchState.ACTIVE
    assert ACTIVE.state(200) is BatchState.WINDOW_CLOSED


def test_a_window_of_zero_length_is_closed_once_it_opens() -> None:
    empty = replace(ACTIVE, window_start=100, window_end=100)
    assert empty.state(99) is BatchState.SCHEDULED
    assert empty.state(100) is BatchState.WINDOW_CLOSED
    assert empty.window_remaining(99) == 0


def test_remaining_window_time_counts_from_the_start_and_stops_at_zero() -> None:
    assert [ACTIVE.window_remaining(now) for now in (0, 100, 130, 200, 300)] == [100, 100, 70, 0, 0]
    assert replace(ACTIVE, window_start=None).window_remaining(50) == 150


def test_remaining_window_time_is_absent_without_an_end_and_once_ended() -> None:
    assert replace(ACTIVE, window_end=None).window_remaining(0) is None
    assert replace(ACTIVE, ended=1).window_remaining(0) is None


def test_no_calls_remain_if_more_are_completed_than_the_total() -> None:
    assert replace(ACTIVE, total=1, completed=5).remaining == 0
    assert ACTIVE.remaining == 1


def test_an_ended_batch_is_retained_for_keep_ended_seconds() -> None:
    ended = replace(ACTIVE, ended=1000)
    assert ended.is_retained(1009.9, keep_ended=10)
    assert not ended.is_retained(1010, keep_ended=10)
    assert ACTIVE.is_retained(10**10, keep_ended=0)


@given(batches, times)
def test_every_batch_has_a_state_and_no_negative_window_time(batch: Batch, now: float) -> None:
    assert batch.state(now) in BatchState
    remaining = batch.window_remaining(now)
    assert remaining is None or remaining >= 0
    assert batch.live is (batch.state(now) is not BatchState.ENDED)
