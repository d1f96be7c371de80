"""When a job runs: interval, back-off, and the loop that runs every job."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from exporter.api.deadline import Watch
from exporter.config import Polling
from exporter.errors import PayloadError
from exporter.polling.health_log import HealthLog
from exporter.polling.heartbeat import Heartbeat, JobWatch
from exporter.polling.job import Failure, Job, Outcome, Run
from exporter.polling.poll_slots import PATIENCE, PollSlots

LONGEST_BACKOFF = 300.0
"""Seconds between runs of a job that keeps failing, unless its own interval is longer."""

MAX_DOUBLINGS = 16
"""From here on, doubling has no effect: the shortest interval, 1 s, is over LONGEST_BACKOFF."""

CRASH = "a bug of the exporter, see job_crashed in the log"
"""What is wrong when a job raises an exception that it does not expect."""

OnCrash: TypeAlias = Callable[[PayloadError, Run], Failure]
"""Puts the failure of a job that crashed into the store, and returns it."""


def poll_interval(polling: Polling, *, any_live: bool) -> float:
    """Return the seconds from the beginning of one poll of an agent to the next, if none fails."""
    return polling.interval if any_live else polling.idle_interval


def backed_off(interval: float, failures_in_a_row: int) -> float:
    """Return the interval after failures: doubled by each but the first, up to LONGEST_BACKOFF."""
    doubled = interval * 2.0 ** min(max(failures_in_a_row - 1, 0), MAX_DOUBLINGS)
    return max(interval, min(doubled, LONGEST_BACKOFF))


async def run_periodically(
    job: Job,
    slots: PollSlots,
    heartbeat: Heartbeat,
    health_log: HealthLog,
    on_crash: OnCrash,
    delay: float = 0.0,
) -> None:
    """Run a job until it is cancelled, for the first time after `delay` seconds.

    The interval counts from the beginning of a run: a run that takes longer is followed at once.
    """
    clock = asyncio.get_running_loop().time
    watch = JobWatch(heartbeat, job.name, job.budget)
    attempt = partial(_attempt, job, health_log, on_crash)
    failures, patience = 0, PATIENCE
    await asyncio.sleep(delay)
    try:
        while True:
            watch.suspend()
            if job.needs_poll_slot:
                run = slots.run(partial(attempt, failures), watch, failures, patience)
            else:
                run = slots.run_without(partial(attempt, failures), watch)
            began, outcome = await run
            failures = failures + 1 if isinstance(outcome, Failure) else 0
            if not failures:
                patience = max(PATIENCE, 2 * (clock() - began))
            health_log.note(job, outcome)
            wait = max(began + backed_off(outcome.interval, failures) - clock(), 0.0)
            heartbeat.expect(job.name, wait)
            await asyncio.sleep(wait)
    finally:
        heartbeat.forget(job.name)
        health_log.forget(job)


async def _attempt(
    job: Job, health_log: HealthLog, on_crash: OnCrash, failures: int, watch: Watch
) -> tuple[float, Outcome]:
    """Run the job once; return the loop's time at the beginning, and the outcome.

    An exception that the job does not expect is a failure of this job alone.
    """
    began, run = asyncio.get_running_loop().time(), Run(failures, watch)
    watch.resume()
    try:
        outcome = await job.run_once(run)
    except Exception as crash:  # noqa: BLE001 - any bug: other agents and accounts go on
        health_log.note_crash(job, crash)
        outcome = on_crash(PayloadError(f"{CRASH}: {type(crash).__name__}"), run)
    if isinstance(outcome, Failure):
        # The failure is kept until the next run. The frames would keep the body of the response.
        outcome.error.__traceback__ = outcome.error.__context__ = None
    return began, outcome
