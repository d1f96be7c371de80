"""Call status compared with what five requests would answer, in simulated campaigns."""

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.config import Batches
from exporter.model import CALL_STATUSES, Batch, BatchState, CallStatus
from exporter.polling.call_counts import (
    Record,
    answered_before,
    by_status,
    contradict,
    next_status,
    with_derived,
)
from exporter.polling.call_status import MOST_REQUESTS, CallStatusJob
from exporter.polling.job import Run, Success
from exporter.simulator import Account, demo_account
from exporter.simulator.progress import calls_by_status
from tests.fake_api import Fault, Simulator, serve
from tests.fake_api import faults as f
from tests.support.builders import Clock, Surroundings, account, surroundings

COUNTED = Batches(outcomes=True, outcomes_interval=120, max_per_agent=40)
STEP = 300.0
"""Seconds between two rounds."""


def campaigns() -> Account:
    """Return the demo's agents, of the thousand one-call batches the newest forty."""
    made = demo_account()
    *agents, one_call = made.agents
    newest = replace(one_call, campaigns=one_call.campaigns[-40:])
    return replace(made, agents=(*agents, newest))


class Campaigns:
    """The campaigns of a simulated account, the job that counts their calls, and the truth.

    `five` is the number of requests that asking for all five statuses would take.
    """

    def __init__(self, simulator: Simulator, clock: Clock, made: Surroundings) -> None:
        self.simulator = simulator
        self.clock = clock
        self.made = made
        self.job = CallStatusJob(made.access, made.config.batches, made.config.polling)
        self.requests = self.five = 0

    def batches(self) -> Iterator[tuple[str, Batch]]:
        """Yield each batch that the exporter knows, with its agent's id."""
        for snapshot in self.made.store.snapshot().agents:
            assert snapshot.listing is not None
            for batch in snapshot.listing.batches:
                yield snapshot.agent.agent_id, batch

    async def round(self, lag: float) -> None:
        """Poll each agent, and `lag` seconds later ask for what is due: a test of each request."""
        for agent in self.simulator.agents():
            await self.made.poll(agent["agentId"])
        self.clock.now += lag
        for _, batch in self.batches():
            known, now = batch.call_status, self.clock.now
            self.five += 5 * (known is None or known.fingerprint != batch.progress_fingerprint(now))
        before = len(self.simulator.requests)
        while True:
            asked = len(self.simulator.requests)
            outcome = await self.job.run_once(Run())
            assert len(self.simulator.requests) - asked <= MOST_REQUESTS
            if outcome != Success(0.0):
                break
        self.requests += len(self.simulator.requests) - before

    def compare(self, agent: str, batch: Batch, known: CallStatus) -> None:
        """Compare each number with those that five requests got before and after the answers."""
        first = self._truth(agent, batch, known.asked)
        last = self._truth(agent, batch, known.answered)
        for status, calls in by_status(known).items():
            assert sorted((first[status], calls, last[status]))[1] == calls, (batch, status)
        if None not in known.calls:
            assert sum(by_status(known).values()) == batch.total

    def correct(self, number: int) -> None:
        """Correct counts of a batch as a batch's owner or the API might, or remove the batch."""
        batches = [*self.batches()]
        agent, batch = batches[number % len(batches)]
        at = self.simulator.batch(agent, batch.batch_id)
        match number % 12:
            case 0:
                self.simulator.update(batch.batch_id, total_count=at.total_count + 5)
            case 2 if at.completed_count < at.total_count:
                counts = at.completed_count + 1, at.error_count + 1
                self.simulator.update(
                    batch.batch_id, completed_count=counts[0], error_count=counts[1]
                )
            case 4 if at.completed_count > at.error_count:
                self.simulator.update(batch.batch_id, completed_count=at.completed_count - 1)
            case 6:
                self.simulator.delete(batch.batch_id)

    def _truth(self, agent: str, batch: Batch, at: float) -> dict[str, int]:
        """Return what five requests at this time answer."""
        now, self.clock.now = self.clock.now, at
        counts = calls_by_status(self.simulator.batch(agent, batch.batch_id), at)
        self.clock.now = now
        return {status: counts[status.upper()] for status in CALL_STATUSES}


@pytest.mark.parametrize(("lag", "speed"), [(0.0, 1.0), (15.0, 1.0), (15.0, 20.0)])
async def test_no_number_contradicts_five_requests(clock: Clock, lag: float, speed: float) -> None:
    """Each number is one that the API had in the seconds between the requests.

    Without calls in between, all five numbers are known. Four hours take 36 % of the requests.
    """
    simulator = Simulator(campaigns(), clock=clock, epoch=clock.now, speed=speed)
    agents = [agent["agentId"] for agent in simulator.agents()]
    if lag:
        passes = f.After(lambda: setattr(clock, "now", clock.now + 0.2))
        simulator.faults.add(Fault(path="/api/agents/*/*/*/scheduled_calls", effect=passes))
    async with (
        serve(simulator) as url,
        surroundings(simulator, account(url, *agents), clock=clock, batches=COUNTED) as made,
    ):
        all_of = Campaigns(simulator, clock, made)
        states, complete, incomplete = set(), 0, 0
        for number in range(48):
            await all_of.round(lag)
            for agent, batch in all_of.batches():
                known = batch.call_status
                assert known is not None
                states.add(known.fingerprint[2])
                all_of.compare(agent, batch, known)
                complete += None not in known.calls
                incomplete += None in known.calls
            clock.now += STEP
            all_of.correct(number)
        assert states == {*BatchState}
        assert all_of.requests < 0.4 * all_of.five
        assert incomplete == 0 if lag == 0 else 0 < incomplete < 0.1 * complete


MADE, QUIET = ["error", "success"], ["error", "pending"]
REST = ["expired", "future"], ["pending"]
OTHER = (11, 2, BatchState.ACTIVE)

NOW = 1_800_000_000.0
OPEN = Batch("b", created=NOW - 1000, total=10, completed=0, window_end=NOW + 1000)
MOVED = CallStatus((None, None, 1, None, 1), NOW - 120, (10, 2, BatchState.ACTIVE), NOW - 119)
PENDING = replace(MOVED, calls=(0, 8, 1, 0, 1))
PAUSED = replace(OPEN, completed=4, paused=True)
CLOSED = replace(OPEN, completed=4, window_end=NOW - 1)
ENDED = replace(OPEN, completed=4, ended=NOW - 1)


def counts(
    future: int = 0, pending: int = 0, success: int = 0, expired: int = 0, error: int = 0
) -> dict[str, int]:
    """Return the calls by status."""
    return dict(zip(CALL_STATUSES, (future, pending, success, expired, error), strict=True))


def asked(record: Record, truth: Mapping[str, int]) -> tuple[list[str], dict[str, int]]:
    """Return the statuses that a round asks for, and the numbers that are then known."""
    answers, statuses = answered_before(record), list[str]()
    found = with_derived(record, answers)
    while len(statuses) < MOST_REQUESTS and (status := next_status(record, found)) is not None:
        statuses.append(status)
        answers[status] = truth[status]
        found = with_derived(record, answers)
    return statuses, found


def status_of(record: Record, found: Mapping[str, int]) -> CallStatus:
    """Return the call status after a round."""
    calls = tuple(map(found.get, CALL_STATUSES))
    return CallStatus(calls, record.now, record.fingerprint, record.now)


@pytest.mark.parametrize(
    ("batch", "age", "truth", "statuses"),
    [
        (replace(OPEN, window_start=NOW + 1), 9, counts(future=10), ["future"]),
        (OPEN, 9, counts(pending=10), ["pending"]),
        (replace(OPEN, total=0), 9, counts(), []),
        (replace(OPEN, completed=4), 9, counts(0, 6, 3, 0, 1), ["error", "pending"]),
        (replace(OPEN, completed=4, call_status=PENDING), 99, counts(0, 5, 4, 0, 1), MADE),
        (replace(OPEN, completed=4, call_status=MOVED), 9, counts(0, 6, 3, 0, 1), QUIET),
        (replace(OPEN, completed=10), 9, counts(success=10), ["error"]),
        (PAUSED, 9, counts(0, 6, 3, 0, 1), ["error", "pending"]),
        (replace(PAUSED, window_start=NOW + 1), 9, counts(6, 0, 3, 0, 1), ["error", "future"]),
        (CLOSED, 9, counts(0, 0, 3, 6, 1), ["error", "expired"]),
        (replace(CLOSED, completed=10), 9, counts(success=9, error=1), ["error", "expired"]),
        (replace(CLOSED, completed=10, ended=NOW - 2), 9, counts(success=10), ["error"]),
        (ENDED, 9, counts(0, 0, 3, 6, 1), ["error", "expired"]),
        (replace(ENDED, completed=10), 9, counts(success=8, error=2), ["error"]),
    ],
)
def test_two_requests_are_enough_where_the_answers_agree_with_the_record(
    batch: Batch, age: float, truth: Mapping[str, int], statuses: list[str]
) -> None:
    assert asked(Record(batch, NOW, age), truth) == (statuses, truth)


def test_while_calls_are_made_only_those_that_were_made_are_known() -> None:
    batch = replace(OPEN, completed=4, call_status=replace(MOVED, asked=NOW - 1))
    truth = counts(1, 4, 4, 0, 1)
    for known in (
        batch,
        replace(batch, call_status=replace(PENDING, asked=NOW - 1, fingerprint=OTHER)),
    ):
        assert asked(Record(known, NOW, 9), truth) == (MADE, {"success": 4, "error": 1})


def test_more_calls_made_than_the_total_leave_the_others_unknown() -> None:
    batch = replace(OPEN, completed=4, call_status=PENDING)
    assert asked(Record(batch, NOW, 99), counts(success=11)) == (MADE, {"success": 11, "error": 0})


@pytest.mark.parametrize(
    ("batch", "truth", "rounds"),
    [
        (PAUSED, counts(3, 3, 4), [["error", "pending"], ["success", "future"], ["expired"]]),
        (ENDED, counts(0, 6, 4), [["error", "expired"], ["success", "future"], ["pending"]]),
        (ENDED, counts(6, 0, 4), [["error", "expired"], ["success", "future"]]),
        (replace(ENDED, completed=11), counts(success=10), [MADE, *REST]),
        (replace(ENDED, completed=10), counts(success=1, error=11), [MADE, *REST]),
    ],
)
def test_what_does_not_follow_is_asked_for_in_the_next_rounds(
    batch: Batch, truth: Mapping[str, int], rounds: list[list[str]]
) -> None:
    found: Mapping[str, int] = {}
    for statuses in rounds:
        record = Record(batch, NOW, 1)
        requests, found = asked(record, truth)
        assert requests == statuses
        batch = replace(batch, call_status=status_of(record, found))
    assert found == truth


def test_where_the_identity_does_not_hold_every_number_is_asked_for() -> None:
    batch = replace(ENDED, completed=10)
    truth = counts(pending=4, success=5, error=1)
    assert contradict(Record(batch, NOW, 1), truth)
    record = Record(batch, NOW, 1, derives=False)
    assert asked(record, truth) == (MADE, {"success": 5, "error": 1})
    assert not contradict(record, {"success": 5})


MOVES = (("future", "last"), ("last", "success"), ("last", "error"))
"""What happens to a call; `last` is the status before it is made."""


class Calls:
    """The calls of a batch, which move on one at a time; `history` has the counts after each."""

    def __init__(self, future: int, last: int, last_status: str) -> None:
        self._last = last_status
        self.now = counts(future=future) | {last_status: last}
        self.history = [self.now]

    def pass_on(self, moves: list[tuple[str, str]]) -> None:
        """Move a call for each of these moves that one can make."""
        for move in moves:
            source, target = (self._last if status == "last" else status for status in move)
            if self.now[source] > 0:
                moved = {source: self.now[source] - 1, target: self.now[target] + 1}
                self.now = self.now | moved
                self.history.append(self.now)


@given(
    st.sampled_from([(OPEN, "pending"), (PAUSED, "pending"), (CLOSED, "expired")]),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.lists(st.lists(st.lists(st.sampled_from(MOVES), max_size=3), min_size=3, max_size=3)),
)
def test_no_number_contradicts_the_api_whatever_calls_are_made_in_between(
    kind: tuple[Batch, str], waiting: tuple[int, int], rounds: list[list[list[tuple[str, str]]]]
) -> None:
    """Calls move on after each listing and after each answer."""
    batch, calls = kind[0], Calls(*waiting, kind[1])
    known: CallStatus | None = None
    time, since = NOW, 0
    for after_listing, *after_answers in rounds:
        made = calls.now["success"] + calls.now["error"]
        batch = replace(batch, total=sum(waiting), completed=made, call_status=known)
        record = Record(batch, time, age=5.0)
        if known is None or known.fingerprint != record.fingerprint:
            since = len(calls.history) - 1
        calls.pass_on(after_listing)
        answers = answered_before(record)
        found = with_derived(record, answers)
        for moves in after_answers:
            if (status := next_status(record, found)) is not None:
                answers[status] = calls.now[status]
                found = with_derived(record, answers)
                calls.pass_on(moves)
        for status, number in found.items():
            assert number in {each[status] for each in calls.history[since:]}, status
        known = status_of(record, found)
        time += 120.0
