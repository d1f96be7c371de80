"""When a job runs: interval, back-off, and the loop that runs every job."""

import asyncio

from exporter.config import Polling
from exporter.polling.health_log import HealthLog
from exporter.polling.heartbeat import Heartbeat, JobWatch
from exporter.polling.job import Failure, Job, Run
from exporter.polling.poll_slots import PollSlots

LONGEST_BACKOFF = 300.0
"""Seconds between runs of a job that keeps failing, unless its own interval is longer."""

MAX_DOUBLINGS = 16
"""From here on, doubling has no effect: the shortest interval, 1 s, is over LONGEST_BACKOFF."""


def poll_interval(polling: Polling, *, any_live: bool) -> float:
    """Return the seconds from the beginning of one poll of an agent to the next, if none fails."""
    return polling.interval if any_live else polling.idle_interval


def backed_off(interval: float, failures_in_a_row: int) -> float:
    """Return the interval after failures: doubled by each but the first, up to LONGEST_BACKOFF."""
    doubled = interval * 2.0 ** min(max(failures_in_a_row - 1, 0), MAX_DOUBLINGS)
    return max(interval, min(doubled, LONGEST_BACKOFF))


async def run_periodically(
    job: Job, slots: PollSlots, heartbeat: Heartbeat, health_log: HealthLog, delay: float = 0.0
) -> None:
    """Run a job until it is cancelled, for the first time after `delay` seconds.

    The interval counts from the beginning of a run: a run that takes longer is followed at once.
    """
    clock = asyncio.get_running_loop().time
    watch = JobWatch(heartbeat, job.name, job.budget)
    failures = 0
    await asyncio.sleep(delay)
    try:
        while True:
            watch.suspend()
            async with slots.slot(failing=failures > 0) if job.needs_poll_slot else slots.no_slot():
                began = clock()
                watch.resume()
                outcome = await job.run_once(Run(failures, watch))
            failures = failures + 1 if isinstance(outcome, Failure) else 0
            health_log.note(job, outcome)
            wait = max(began + backed_off(outcome.interval, failures) - clock(), 0.0)
            heartbeat.expect(job.name, wait)
            await asyncio.sleep(wait)
    finally:
        heartbeat.forget(job.name)
        health_log.forget(job)
