"""Any history of an agent, any clock, any failure: what is known after a poll is the truth.

A state machine lets batches come, go on and go at a simulated API, and polls it over real HTTP.
"""

import asyncio
import math
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from enum import Enum, auto
from itertools import pairwise
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from exporter.config import Batches, Polling
from exporter.model import AgentSnapshot, Batch, Listing
from exporter.polling.job import Run
from exporter.polling.poller import AgentPoller
from exporter.simulator import Account
from exporter.simulator.state import Entry
from exporter.store import Store
from tests.fake_api import Fault, Simulator, serve
from tests.fake_api import faults as f
from tests.support import truth
from tests.support.builders import Clock, account, surroundings

NOW = 1_800_000_000.0
POLLING = Polling(full_listing_interval=3600.0)
BATCHES = Batches(keep_ended=7200.0)

LATEST = 600.0
"""Seconds after its `created` at which a batch becomes visible at the latest."""

RUNS, STEPS, STEPS_IN_ALL = 50, 50, 1000


class Order(Enum):
    """The order in which the API lists: as it should, and otherwise."""

    NEWEST_FIRST = auto()
    OLDEST_FIRST = auto()
    OLDEST_IN_FRONT = auto()  # then newest first
    NEWEST_AT_THE_END = auto()  # newest first before it


class Unruly(Simulator):
    """A simulator that may list in another order."""

    order = Order.NEWEST_FIRST

    def batch_entries(self, agent_id: str) -> list[Entry]:
        """List the entries in the order that is in force."""
        places = super().batch_entries(agent_id)
        match self.order:
            case Order.NEWEST_FIRST:
                return places
            case Order.OLDEST_FIRST:
                places = places[::-1]
            case Order.OLDEST_IN_FRONT:
                places = [*places[-1:], *places[:-1]]
            case Order.NEWEST_AT_THE_END:
                places = [*places[1:], *places[:1]]
        return [(position, ident) for position, (_, ident) in enumerate(places)]


class Poll(NamedTuple):
    """One poll: the snapshots around it, and how many requests it made."""

    before: AgentSnapshot
    after: AgentSnapshot
    requests: int


# A retry does not help against these.
BREAKING: list[tuple[f.Effect, str]] = [
    (f.Status(402), "status"),
    (f.Status(403), "auth"),
    (f.Status(404), "not_found"),
    (f.NotJson(), "payload"),
    (f.Missing("endedAt"), "payload"),
    (f.WrongType("created", "yesterday"), "payload"),
    (f.WrongType("totalCount", -1), "payload"),
    (f.RepeatNext(), "loop"),
]

# Coarse, so that times are often equal, and limits are met exactly.
LATE = st.sampled_from([0.0, 0.0, 0.0, 1.0, 30.0, 300.0, 599.0, LATEST])
SHORT_WAIT = st.sampled_from([30.0, 30.0, 0.0, 1.0, 120.0, 300.0, 599.0, 600.0, 601.0])
LONG_WAIT = st.sampled_from([2400.0, 3599.0, 3600.0, 7199.0, 7200.0, 86_400.0])
AGE = st.sampled_from([0.0, 1.0, 300.0, 600.0, 601.0, 3600.0, 7000.0, 86_400.0, 86_401.0])
ENDED_AGO = st.sampled_from([0.0, 1.0, 600.0, 6300.0, 7199.0, 7200.0, 7201.0, 80_000.0])
PAGE = st.integers(min_value=1, max_value=6)
LONG_PAST = st.lists(st.tuples(AGE, ENDED_AGO), min_size=8, max_size=16)
ANY_PAST = st.lists(st.tuples(AGE, ENDED_AGO), max_size=16)
BY = st.sampled_from([1.0, 600.0, 3600.0])
ORDER = st.sampled_from([*[Order.NEWEST_FIRST] * 3, *Order])  # most often as it should be


class Polled(RuleBasedStateMachine):
    """An agent's batches, the polls of it, and what must be known after each.

    `there` is the API's clock, `here` the exporter's. `deleted` are the ids deleted since the last
    complete listing, which began at `complete_at` (None: there was none) and was `ordered`. `lost`
    says whether the last listing lacked a batch that was live before.
    """

    steps = 0

    live: Bundle[str] = Bundle("live")
    ended: Bundle[str] = Bundle("ended")

    def __init__(self) -> None:
        super().__init__()
        self.here, self.there = Clock(NOW), Clock(NOW)
        self.simulator = Unruly(Account(name="machine"), clock=self.there)
        self.agent = self.simulator.add_agent()
        self.deleted: set[str] = set()
        self.complete_at: float | None = None
        self.ordered = True
        self.lost = False
        self.runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.opened = AsyncExitStack()
        self.poller, self.store = self.runner.run(self.open())

    async def open(self) -> tuple[AgentPoller, Store]:
        """Serve the account, and get ready to poll its agent."""
        url = await self.opened.enter_async_context(serve(self.simulator))
        made = surroundings(
            self.simulator,
            account(url, self.agent),
            clock=self.here,
            polling=POLLING,
            batches=BATCHES,
        )
        opened = await self.opened.enter_async_context(made)
        return opened.poller(self.agent), opened.store

    def teardown(self) -> None:
        """Close client, server and loop."""
        self.runner.run(self.opened.aclose())
        self.runner.close()

    @invariant()
    def counted(self) -> None:
        """Count the step."""
        Polled.steps += 1

    # What is there.

    @property
    def key(self) -> tuple[str, str]:
        """The agent's key."""
        return ("main", self.agent)

    def rows(self) -> list[truth.Record]:
        """Return what the API would list now."""
        return list(self.simulator.batches(self.agent))

    def created(self) -> list[float]:
        """Return when the batches were created, as listed."""
        return [truth.seconds(row["created"]) for row in self.rows()]

    def in_order(self) -> bool:
        """Whether a listing now comes newest first."""
        return all(first >= second for first, second in pairwise(self.created()))

    # What happens at the API.

    def finish(self, batch: str, ago: float) -> None:
        """Let a live batch have ended."""
        self.simulator.update(batch, completed_count=9, ended_at=self.there.now - ago)

    def visible(self, age: float) -> str:
        """Add a live batch that was created earlier, and return its id."""
        created = self.there.now - age
        return self.simulator.create(self.agent, created=created, total_count=9, completed_count=1)

    @initialize(target=ended, size=st.integers(1, 4), past=LONG_PAST | ANY_PAST)
    def past(self, size: int, past: list[tuple[float, float]]) -> MultipleResults[str]:
        """Batches have ended before anybody looks; the API lists them in pages of a size."""
        self.simulator.max_page_size = size
        now = self.there.now
        made = [
            self.simulator.create(
                self.agent, created=now - age - ended_ago, ended_at=now - ended_ago
            )
            for age, ended_ago in past
        ]
        return multiple(*made)

    @initialize(target=live, past=st.lists(AGE, max_size=4))
    def present(self, past: list[float]) -> MultipleResults[str]:
        """Batches are live before anybody looks."""
        return multiple(*(self.visible(age) for age in past))

    @rule(target=live, late=LATE)
    def arrive(self, late: float) -> str:
        """Let a batch become visible, perhaps late."""
        return self.visible(late)

    @rule(target=ended, late=LATE, ended_ago=LATE)
    def arrive_ended(self, late: float, ended_ago: float) -> str:
        """Let a batch become visible that has ended before."""
        now = self.there.now
        return self.simulator.create(
            self.agent, created=now - late, ended_at=now - min(late, ended_ago)
        )

    @rule(batch=live, calls=st.integers(1, 3))
    def go_on(self, batch: str, calls: int) -> None:
        """Make calls."""
        made = self.simulator.batch(self.agent, batch).completed_count + calls
        self.simulator.update(batch, completed_count=made)

    @rule(batch=live, paused=st.booleans())
    def pause(self, batch: str, *, paused: bool) -> None:
        """Pause a batch, or resume it."""
        self.simulator.update(batch, paused=paused)

    @rule(target=ended, batch=consumes(live), ago=ENDED_AGO)
    def end(self, batch: str, ago: float) -> str:
        """End a batch, with its last call made; perhaps it is said late."""
        self.finish(batch, ago)
        return batch

    @rule(batch=consumes(live))
    def delete_live(self, batch: str) -> None:
        """Delete a live batch."""
        self.simulator.delete(batch)
        self.deleted.add(batch)

    @rule(batch=consumes(ended))
    def delete_ended(self, batch: str) -> None:
        """Delete a batch that has ended."""
        self.simulator.delete(batch)
        self.deleted.add(batch)

    @rule(order=ORDER, wait=SHORT_WAIT)
    def reorder(self, order: Order, wait: float) -> None:
        """List in another order, and poll.

        Where that begins beyond the pages that are read, the next complete listing notices.
        """
        self.simulator.order = order
        if order is Order.NEWEST_AT_THE_END:
            wait = POLLING.full_listing_interval
        self.poll(wait)

    # What the exporter does, and the clocks do.

    @rule(wait=SHORT_WAIT)
    def poll(self, wait: float) -> None:
        """Poll: the truth is known, at its price."""
        self.pass_by(wait)
        wanted, pages = self.wanted(), self.pages()
        poll = self.polled()
        self.expect_truth(poll)
        assert poll.requests == wanted
        assert poll.after.listing is not None
        assert poll.after.listing.kind == ("full" if wanted == pages else "incremental")

    @rule(wait=LONG_WAIT)
    def poll_later(self, wait: float) -> None:
        """Poll after a long time."""
        self.poll(wait)

    @rule(wait=SHORT_WAIT)
    def poll_soon(self, wait: float) -> None:
        """Poll, so that polls are more frequent than each change."""
        self.poll(wait)

    @rule(wait=SHORT_WAIT, page=PAGE, breaking=st.sampled_from(BREAKING))
    def fail(self, wait: float, page: int, breaking: tuple[f.Effect, str]) -> None:
        """Poll while a page is broken: if it is needed, nothing changes but the health."""
        self.pass_by(wait)
        wanted, (effect, reason) = self.wanted(), breaking
        handle = self.simulator.faults.add(Fault(effect=effect, page=page))
        poll = self.polled()
        handle.remove()
        if poll.after.health.up:
            assert page > wanted or not self.rows() or isinstance(effect, f.RepeatNext)
            self.expect_truth(poll)
            return
        assert page <= wanted
        failures = poll.before.health.failures
        assert poll.after.listing is poll.before.listing
        assert poll.after.pages is poll.before.pages
        assert poll.after.health.last_success == poll.before.health.last_success
        assert poll.after.health.failures == {**failures, reason: failures.get(reason, 0) + 1}

    @precondition(lambda self: self.simulator.order is Order.NEWEST_FIRST)
    @rule(target=live, page=PAGE, late=LATE)
    def poll_while_one_arrives(self, page: int, late: float) -> str:
        """Poll while a batch becomes visible: the next poll knows the truth."""
        made: list[str] = []
        self.poll_during(page, lambda: made.append(self.visible(late)))
        return made[0]

    @precondition(lambda self: self.simulator.order is Order.NEWEST_FIRST)
    @rule(target=ended, page=PAGE, batch=consumes(live))
    def poll_while_one_ends(self, page: int, batch: str) -> str:
        """Poll while a batch ends: the next poll knows the truth."""
        self.poll_during(page, lambda: self.finish(batch, 0))
        return batch

    @precondition(lambda self: self.complete_at is not None)
    @rule(by=BY)
    def put_clock_back(self, by: float) -> None:
        """Put the exporter's clock to a time before the last complete listing, and poll."""
        assert self.complete_at is not None
        self.here.now = self.complete_at - by
        self.poll(0)

    @rule(by=BY)
    def put_clock_forward(self, by: float) -> None:
        """Put the exporter's clock forward."""
        self.here.now += by

    def pass_by(self, seconds: float) -> None:
        """Let time pass, here and there."""
        self.here.now += seconds
        self.there.now += seconds

    def polled(self) -> Poll:
        """Poll once."""
        before, asked = self.store.agent(self.key), len(self.simulator.requests)
        self.runner.run(self.poller.run_once(Run()))
        after = self.store.agent(self.key)
        assert after.health.polls == before.health.polls + 1
        assert after.health.last_poll == self.here.now
        return Poll(before, after, len(self.simulator.requests) - asked)

    def poll_during(self, page: int, change: Callable[[], object]) -> None:
        """Poll, with a change before the page is answered, and then in peace."""
        handle = self.simulator.faults.add(Fault(effect=f.Before(change), page=page))
        poll = self.polled()
        handle.remove()
        if handle.hits:
            assert poll.after.health.up
            self.note(poll)
        else:
            self.expect_truth(poll)
            change()
        self.poll(0)

    # What must hold.

    def pages(self) -> int:
        """Return how many pages there are; an agent without batches has one, an empty one."""
        return max(len(self.rows()) - 1, 0) // self.simulator.max_page_size + 1

    def wanted(self) -> int:
        """Return how many pages the next poll needs: all, or those in which there may be news.

        They go on to a row that is older than any late batch can be, however late it is polled.
        """
        known = self.store.agent(self.key).listing
        if known is None or known.newest is None or self.complete_at is None:
            return self.pages()
        created, ids = self.created(), [row["batchId"] for row in self.rows()]
        changing = {batch.batch_id for batch in known.batches if batch.live}
        due = not 0 <= self.here.now - self.complete_at < POLLING.full_listing_interval
        missing = not changing <= set(ids) or max(created, default=-math.inf) < known.newest
        if due or missing or self.lost or not self.ordered or not self.in_order():
            return self.pages()
        old = known.newest - LATEST
        size = self.simulator.max_page_size
        enough = (
            page
            for page in range(1, self.pages())
            if created[page * size - 1] < old and changing <= set(ids[: page * size])
        )
        return next(enough, self.pages())

    def note(self, poll: Poll) -> Listing:
        """Keep what a successful poll means for those after it, and return its listing."""
        listing = poll.after.listing
        assert listing is not None
        assert poll.after.health.up
        known = () if poll.before.listing is None else poll.before.listing.batches
        there = {row["batchId"] for row in self.rows()}
        self.lost = any(each.ended is None and each.batch_id not in there for each in known)
        if listing.kind == "full":
            self.complete_at, self.ordered = self.here.now, self.in_order()
            self.deleted.clear()
        assert listing.complete_at == self.complete_at
        return listing

    def expect_truth(self, poll: Poll) -> None:
        """Expect what a complete listing would give now.

        With one exception: deleted batches whose end is known stay until there is such a listing.
        """
        listing, rows = self.note(poll), self.rows()
        known = () if poll.before.listing is None else poll.before.listing.batches
        expected = {
            row["batchId"]: batch(row)
            for row in truth.kept(rows, self.here.now, BATCHES.keep_ended)
        } | {
            each.batch_id: replace(each, last_progress=None)
            for each in known
            if each.batch_id in self.deleted
            and each.ended is not None
            and self.here.now - each.ended < BATCHES.keep_ended
        }
        found = {each.batch_id: replace(each, last_progress=None) for each in listing.batches}
        assert found == expected
        assert len(listing.batches) == len(expected)
        assert listing.reported == len(rows)
        assert listing.newest == max(self.created(), default=None)
        assert listing.pages == poll.requests
        assert listing.ordered is self.in_order()
        assert listing.lost is self.lost
        assert poll.after.pages == {**poll.before.pages, listing.kind: poll.requests}
        self.expect_progress(known, listing.batches)
        health, any_live = poll.after.health, any(each.ended is None for each in expected.values())
        assert health.last_success == self.here.now
        assert health.failures == poll.before.health.failures
        assert health.interval == (POLLING.interval if any_live else POLLING.idle_interval)

    def expect_progress(self, known: Iterable[Batch], found: Iterable[Batch]) -> None:
        """Expect `last_progress` to be the last poll that saw a known batch's calls rise."""
        before = {each.batch_id: each for each in known}
        for each in found:
            was = before.get(each.batch_id)
            rose = was is not None and each.completed > was.completed
            last = None if was is None else was.last_progress
            assert each.last_progress == (self.here.now if rose else last)


def batch(row: truth.Record) -> Batch:
    """Return the batch that a row of this account is, made without the exporter's code."""
    return Batch(
        row["batchId"],
        created=truth.seconds(row["created"]),
        total=row["totalCount"],
        completed=row["completedCount"],
        paused=row["paused"],
        ended=None if row["endedAt"] is None else truth.seconds(row["endedAt"]),
    )


def test_after_every_successful_poll_the_snapshot_is_that_of_a_complete_listing() -> None:
    run_state_machine_as_test(
        Polled, settings=settings(max_examples=RUNS, stateful_step_count=STEPS)
    )
    assert Polled.steps >= STEPS_IN_ALL
