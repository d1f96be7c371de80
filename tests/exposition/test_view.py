"""Which batches have series of their own."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.config import Account, Batches, Config, Polling
from exporter.exposition.view import AgentView, Policy, Sums, view_agent
from exporter.model import Agent, AgentSnapshot, Batch, BatchState, Listing, PollHealth

POLICY = Policy(Polling(stale_after=600), Batches(keep_ended=1000, max_per_agent=3))


def seen(batches: Sequence[Batch], policy: Policy = POLICY) -> AgentView:
    """Return the view of an agent with these batches, at time 1000."""
    snapshot = AgentSnapshot(
        Agent("main", "a", "A"),
        PollHealth(30, up=True, last_success=1000),
        Listing(tuple(batches), pages=1),
    )
    return view_agent(snapshot, 1000, policy)


def ids(view: AgentView) -> list[str]:
    """Return the ids of the batches with series."""
    return [batch.batch_id for batch in view.shown]


LIVE = [Batch(f"live{n}", created=n, total=2, completed=n) for n in (1, 2)]
ENDED = [Batch(f"ended{n}", created=0, total=2, completed=1, ended=500 + n) for n in (1, 2, 3)]


def test_live_ones_first_then_the_newest_ended() -> None:
    view = seen([*ENDED, *LIVE])
    assert ids(view) == ["live2", "live1", "ended3"]
    assert view.hidden == {"max_per_agent": 2, "per_batch_series": 0}


def test_the_sums_count_what_is_hidden() -> None:
    sums = seen([*ENDED, *LIVE]).sums
    assert sums[BatchState.ENDED] == Sums(batches=3, calls=6, completed=3)
    assert sum(each.completed for each in sums.values()) == 3 + 1 + 2


def test_no_series_at_all_on_request() -> None:
    view = seen(
        [*ENDED, *LIVE], replace(POLICY, batches=Batches(keep_ended=1000, per_batch_series=False))
    )
    assert ids(view) == []
    assert view.hidden == {"max_per_agent": 0, "per_batch_series": 5}


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
    policy = replace(POLICY, batches=Batches(keep_ended=1000, max_per_agent=limit))
    before = seen(made, policy)
    shuffled = [replace(batch, completed=batch.completed + 1, paused=True) for batch in made]
    random.shuffle(shuffled)
    after = seen(shuffled, policy)
    assert ids(before) == ids(after)
    assert len(before.shown) + before.hidden["max_per_agent"] == sum(
        each.batches for each in before.sums.values()
    )


def test_the_policy_is_the_configuration_s() -> None:
    config = Config(
        (Account("main"),),
        Polling(stale_after=77),
        Batches(keep_ended=5, max_per_agent=6, per_batch_series=False),
    )
    assert Policy.of(config) == Policy(config.polling, config.batches)
