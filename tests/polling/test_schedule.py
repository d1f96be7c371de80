"""When a job runs: interval, back-off, slots, heartbeat."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.api.deadline import UNWATCHED, Watch
from exporter.api.rate_limit import RequestLimiter
from exporter.config import Polling
from exporter.errors import PayloadError, StatusError
from exporter.polling.health_log import HealthLog
from exporter.polling.heartbeat import Heartbeat
from exporter.polling.job import Events, Failure, Outcome, Run, Success
from exporter.polling.poll_slots import MAX_POLLS, PollSlots
from exporter.polling.schedule import (
    LONGEST_BACKOFF,
    backed_off,
    poll_interval,
    run_periodically,
)
from tests.support.entries import settle

ERROR = StatusError("x: the API answered HTTP 500")


def test_agents_with_live_batches_are_polled_more_often() -> None:
    polling = Polling(interval=30, idle_interval=120)
    assert poll_interval(polling, any_live=True) == 30
    assert poll_interval(polling, any_live=False) == 120


@pytest.mark.parametrize(
    ("failures", "interval"), [(0, 30), (1, 30), (2, 60), (3, 120), (4, 240), (5, 300), (99, 300)]
)
def test_failures_double_the_interval_up_to_five_minutes(failures: int, interval: float) -> None:
    assert backed_off(30, failures) == interval


@given(st.floats(min_value=1, max_value=1e6), st.integers(min_value=0, max_value=10**9))
def test_back_off_never_shortens_the_interval_and_has_a_limit(
    interval: float, failures: int
) -> None:
    slower = backed_off(interval, failures)
    assert interval <= slower <= max(interval, LONGEST_BACKOFF)
    assert slower <= backed_off(interval, failures + 1)


class Scripted:
    """A job whose runs end as the script says, one after the other; then it hangs.

    `begun` are the times of its runs, `failures` the failures in a row that each run was given.
    """

    name = "scripted"
    budget = 1.0
    events = Events("work_succeeded", "work_failed", "work_recovered")

    def __init__(
        self, *script: Outcome | Exception, seconds: float = 0.0, needs_poll_slot: bool = False
    ) -> None:
        self.begun: list[float] = []
        self.failures: list[int] = []
        self.finished = asyncio.Event()
        self.needs_poll_slot = needs_poll_slot
        self._script = iter(script)
        self._seconds = seconds

    def log_fields(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    async def run_once(self, run: Run) -> Outcome:
        """Return the next outcome."""
        self.begun.append(asyncio.get_running_loop().time())
        self.failures.append(run.failures_in_a_row)
        outcome = next(self._script, None)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is None:
            self.finished.set()
            await asyncio.Event().wait()
            raise AssertionError
        await asyncio.sleep(self._seconds)
        return outcome


def slots() -> PollSlots:
    """Return the poll slots of an account without holds."""
    return PollSlots(RequestLimiter(10_000.0, lambda _: None))


def crashed(error: PayloadError, _run: Run) -> Failure:
    """Return the failure of a job that crashed."""
    return Failure(0.1, error)


async def finish(job: Scripted, heartbeat: Heartbeat, delay: float = 0.0) -> None:
    """Run a job to the end of its script, and cancel it there."""
    running = run_periodically(job, slots(), heartbeat, HealthLog("main"), crashed, delay)
    task = asyncio.create_task(running)
    async with asyncio.timeout(20):
        await job.finished.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_interval_counts_from_the_beginning_of_a_run() -> None:
    job = Scripted(Success(0.2))
    await finish(job, Heartbeat())
    first, second = job.begun
    assert second - first >= 0.2


async def test_a_run_longer_than_its_interval_is_followed_at_once() -> None:
    """Other tasks run in between."""
    job = Scripted(Success(0.001), Success(0.001), seconds=0.05)
    await finish(job, Heartbeat())
    assert job.begun[1] - job.begun[0] >= 0.05


async def test_the_first_run_may_be_delayed() -> None:
    job, clock = Scripted(), asyncio.get_running_loop().time
    began = clock()
    await finish(job, Heartbeat(), delay=0.1)
    assert job.begun[0] - began >= 0.1


async def test_failures_back_off_until_a_success() -> None:
    """The first failure keeps the interval, the second doubles it; a success resets it."""
    script = (Failure(0.1, ERROR), Failure(0.1, ERROR), Success(0.01))
    job = Scripted(*script)
    await finish(job, Heartbeat())
    assert job.failures == [0, 1, 2, 0]
    assert job.begun[1] - job.begun[0] >= 0.1
    assert job.begun[2] - job.begun[1] >= 0.2


async def test_health_is_logged_when_it_changes_and_otherwise_at_debug() -> None:
    failure, success = Failure(0.001, ERROR), Success(0.001, {"batches": 3})
    with capture_logs() as logs:
        await finish(Scripted(success, success, failure, failure, success), Heartbeat())
    logs = [each for each in logs if each["event"].startswith("work_")]
    assert [(each["event"], each["log_level"]) for each in logs] == [
        ("work_succeeded", "info"),
        ("work_succeeded", "debug"),
        ("work_failed", "warning"),
        ("work_failed", "debug"),
        ("work_recovered", "info"),
    ]
    assert logs[0] == {**logs[0], "account": "main", "batches": 3}
    assert logs[2] == {**logs[2], "reason": "status", "error": str(ERROR)}


async def test_an_exception_that_a_job_does_not_expect_is_a_failure_of_that_job() -> None:
    """It backs off, and is logged with its traceback: once, until the job succeeds again."""
    job = Scripted(KeyError("x"), KeyError("x"), Success(0.001), KeyError("x"))
    with capture_logs() as logs:
        await finish(job, Heartbeat())
    assert job.failures == [0, 1, 2, 0, 1]
    assert job.begun[2] - job.begun[1] >= 0.2
    crashes = [each for each in logs if each["event"] == "job_crashed"]
    assert [each["log_level"] for each in crashes] == ["error", "debug", "error"]
    assert [repr(each["exc_info"]) for each in crashes] == ["KeyError('x')"] * 3
    assert [each["log_level"] for each in logs if each["event"] == "work_failed"] == [
        *("warning", "debug", "warning")
    ]
    assert [each["error"] for each in logs if each["event"] == "work_failed"] == [
        "a bug of the exporter, see job_crashed in the log: KeyError"
    ] * 3


async def test_a_job_that_hangs_is_overdue_and_one_that_waits_is_not() -> None:
    """The heartbeat's grace is so short here that only what is not expected is not overdue."""
    heartbeat, leave = Heartbeat(grace=-3600.0), asyncio.Event()
    given = slots()

    async def stay(_: Watch) -> None:
        await leave.wait()

    inside = [asyncio.create_task(given.run(stay, UNWATCHED)) for _ in range(MAX_POLLS)]
    await settle()
    job = Scripted(needs_poll_slot=True)
    running = run_periodically(job, given, heartbeat, HealthLog("main"), crashed)
    task = asyncio.create_task(running)
    await settle()
    assert job.begun == []
    assert heartbeat.overdue() == []
    leave.set()
    await job.finished.wait()
    assert heartbeat.overdue() == ["scripted"]
    task.cancel()
    await asyncio.gather(task, *inside, return_exceptions=True)
    assert heartbeat.overdue() == []
