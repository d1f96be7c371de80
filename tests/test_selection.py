"""Which batches have series of their own."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.config import Account, Batches, Config, Polling
from exporter.model import Agent, AgentSnapshot, Batch, BatchState, Listing, PollHealth
from exporter.selection import AgentSelection, SelectionSettings, Sums
from tests.support.plain import select

SETTINGS = SelectionSettings(Polling(stale_after=600), Batches(keep_ended=1000, max_per_agent=3))


def seen(
    batches: Sequence[Batch], policy: SelectionSettings = SETTINGS
) -> tuple[AgentSelection, list[str]]:
    """Return the view of an agent with these batches, at time 1000, and the ids with series."""
    snapshot = AgentSnapshot(
        Agent("main", "a", "A"),
        PollHealth(30, up=True, last_success=1000),
        Listing(tuple(batches), pages=1),
    )
    agent, shown = select(snapshot, 1000, policy)
    return agent, [batch.batch_id for batch in shown]


LIVE = [Batch(f"live{n}", created=n, total=2, completed=n) for n in (1, 2)]
ENDED = [Batch(f"ended{n}", created=0, total=2, completed=1, ended=500 + n) for n in (1, 2, 3)]


def test_live_ones_first_then_the_newest_ended() -> None:
    agent, shown = seen([*ENDED, *LIVE])
    assert shown == ["live2", "live1", "ended3"]
    assert agent.hidden == {"max_per_agent": 2, "per_batch_series": 0}


def test_where_nothing_is_hidden_the_order_stays() -> None:
    _, shown = seen([*ENDED[:2], LIVE[0]])
    assert shown == ["ended1", "ended2", "live1"]


def test_the_sums_count_what_is_hidden() -> None:
    sums = seen([*ENDED, *LIVE])[0].sums
    assert sums[BatchState.ENDED] == Sums(batches=3, calls=6, completed=3)
    assert sum(each.completed for each in sums.values()) == 3 + 1 + 2


def test_no_series_at_all_on_request() -> None:
    agent, shown = seen(
        [*ENDED, *LIVE], replace(SETTINGS, batches=Batches(keep_ended=1000, per_batch_series=False))
    )
    assert shown == []
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
def test_the_choice_depends_neither_on_order_nor_on_progress(
    made: list[Batch], limit: int, random: Random
) -> None:
    policy = replace(SETTINGS, batches=Batches(keep_ended=1000, max_per_agent=limit))
    before, shown = seen(made, policy)
    shuffled = [replace(batch, completed=batch.completed + 1, paused=True) for batch in made]
    random.shuffle(shuffled)
    _, shown_after = seen(shuffled, policy)
    assert sorted(shown) == sorted(shown_after)
    assert len(shown) + before.hidden["max_per_agent"] == sum(
        each.batches for each in before.sums.values()
    )


def test_the_policy_is_the_configuration_s() -> None:
    config = Config(
        (Account("main"),),
        Polling(stale_after=77),
        Batches(keep_ended=5, max_per_agent=6, per_batch_series=False),
    )
    assert SelectionSettings.of(config) == SelectionSettings(config.polling, config.batches)
