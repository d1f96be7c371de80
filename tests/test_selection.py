"""Which batches have series of their own."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.config import Account, Batches, Config, Polling
from exporter.model import Agent, AgentSnapshot, Batch, BatchState, Listing, PollHealth
from exporter.selection import AgentSelection, SelectionSettings, Sums, is_stale
from tests.support.plain import select

SETTINGS = SelectionSettings(Polling(stale_after=600), Batches(keep_ended=1000, max_per_agent=3))


def selected(
    batches: Sequence[Batch], settings: SelectionSettings = SETTINGS
) -> tuple[AgentSelection, list[str]]:
    """Return the selection of an agent with these batches at time 1000, and the ids with series."""
    snapshot = AgentSnapshot(
        Agent("main", "a", "A"),
        PollHealth(30, up=True, last_success=1000),
        Listing(tuple(batches), pages=1),
    )
    agent, exposed = select(snapshot, 1000, settings)
    return agent, [batch.batch_id for batch in exposed]


LIVE = [Batch(f"live{n}", created=n, total=2, completed=n) for n in (1, 2)]
ENDED = [Batch(f"ended{n}", created=0, total=2, completed=1, ended=500 + n) for n in (1, 2, 3)]


def test_live_batches_have_series_before_those_that_ended_last() -> None:
    agent, exposed = selected([*ENDED, *LIVE])
    assert exposed == ["live2", "live1", "ended3"]
    assert agent.hidden == {"max_per_agent": 2, "per_batch_series": 0}


def test_the_order_stays_if_no_batch_is_hidden() -> None:
    _, exposed = selected([*ENDED[:2], LIVE[0]])
    assert exposed == ["ended1", "ended2", "live1"]


def test_the_sums_include_hidden_batches() -> None:
    sums = selected([*ENDED, *LIVE])[0].sums
    assert sums[BatchState.ENDED] == Sums(batches=3, calls=6, completed=3)
    assert sum(each.completed for each in sums.values()) == 3 + 1 + 2


def test_no_batch_has_series_without_per_batch_series() -> None:
    agent, exposed = selected(
        [*ENDED, *LIVE], replace(SETTINGS, batches=Batches(keep_ended=1000, per_batch_series=False))
    )
    assert exposed == []
    assert agent.hidden == {"max_per_agent": 0, "per_batch_series": 5}


batches = st.lists(
    st.builds(
        Batch,
        batch_id=st.integers(0, 99).map(str),
        created=st.sampled_from([1.0, 2.0, 3.0]),
        total=st.integers(0, 9),
        completed=st.integers(0, 9),
        paused=st.booleans(),
        ended=st.none() | st.sampled_from([5.0, 600.0, 700.0]),
    ),
    unique_by=lambda batch: batch.batch_id,
)


@given(batches, st.integers(1, 6), st.randoms())
def test_the_selection_depends_neither_on_order_nor_on_progress(
    made: list[Batch], limit: int, random: Random
) -> None:
    settings = replace(SETTINGS, batches=Batches(keep_ended=1000, max_per_agent=limit))
    before, exposed = selected(made, settings)
    shuffled = [replace(batch, completed=batch.completed + 1, paused=True) for batch in made]
    random.shuffle(shuffled)
    _, exposed_after = selected(shuffled, settings)
    assert sorted(exposed) == sorted(exposed_after)
    assert len(exposed) + before.hidden["max_per_agent"] == sum(
        each.batches for each in before.sums.values()
    )


def test_the_settings_are_those_of_the_configuration() -> None:
    config = Config(
        (Account("main"),),
        Polling(stale_after=77),
        Batches(keep_ended=5, max_per_agent=6, per_batch_series=False),
    )
    assert SelectionSettings.of(config) == SelectionSettings(config.polling, config.batches)


def test_data_are_stale_once_they_are_older_than_the_limit_or_as_far_in_the_future() -> None:
    assert is_stale(None, now=1000, stale_after=600)
    assert not is_stale(1000, now=1599.9, stale_after=600)
    assert is_stale(1000, now=1600, stale_after=600)
    assert not is_stale(1000, now=400.1, stale_after=600)
    assert is_stale(1000, now=400, stale_after=600)
