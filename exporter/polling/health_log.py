"""Log lines about the health of jobs: at info or warning when it changes, otherwise at debug."""

from collections.abc import Mapping, Sequence

import structlog

from exporter.errors import AuthError, UnreadableRecord
from exporter.polling.job import Failure, Job, Outcome

log = structlog.get_logger()


MAX_LISTED = 10
"""Unreadable records that one log line lists."""


class HealthLog:
    """Logs the outcomes of the jobs of one account.

    A rejected API key makes every job of the account fail: that is one warning of the account, not
    one of each agent.
    """

    def __init__(self, account: str) -> None:
        self._log = log.bind(account=account)
        self._healthy: dict[str, bool] = {}
        self._rejected: set[str] = set()
        self._key_accepted: bool | None = None
        self._crashed: set[str] = set()

    def note(self, job: Job, outcome: Outcome) -> None:
        """Log how a run ended."""
        before = self._healthy.get(job.name)
        healthy = not isinstance(outcome, Failure)
        self._healthy[job.name] = healthy
        fields = job.log_fields()
        if isinstance(outcome, Failure):
            self._failed(job, outcome, fields, changed=before is not False)
            return
        self._accept_key(job)
        self._crashed.discard(job.name)
        event = job.events.recovered if before is False else job.events.succeeded
        write = self._log.debug if before else self._log.info
        write(event, **fields, **outcome.details)

    def note_crash(self, job: Job, crash: Exception) -> None:
        """Log an exception that the job did not expect, with its traceback.

        It is at level error, until the job succeeds again at debug.
        """
        write = self._log.debug if job.name in self._crashed else self._log.error
        self._crashed.add(job.name)
        write("job_crashed", job=job.name, **job.log_fields(), exc_info=crash)

    def forget(self, job: Job) -> None:
        """Forget a job that has ended."""
        self._healthy.pop(job.name, None)
        self._crashed.discard(job.name)
        self._rejected.discard(job.name)

    def _failed(
        self, job: Job, failure: Failure, fields: Mapping[str, str], *, changed: bool
    ) -> None:
        error = failure.error
        rejected = isinstance(error, AuthError)
        if rejected:
            if self._key_accepted is not False:
                self._log.warning("api_key_rejected", error=str(error))
            self._key_accepted = False
            self._rejected.add(job.name)
        write = self._log.warning if changed and not rejected else self._log.debug
        write(job.events.failed, **fields, **failure.details, reason=error.reason, error=str(error))

    def _accept_key(self, job: Job) -> None:
        """Log once that the API accepts the key: at the start, and when no job is rejected."""
        self._rejected.discard(job.name)
        if not self._rejected and not self._key_accepted:
            self._log.info("api_key_accepted")
            self._key_accepted = True


class UnreadableLog:
    """Logs the unreadable records of one list when they change: one line, at level warning.

    `unreadable` and `recovered` are the names of the events.
    """

    def __init__(self, account: str, unreadable: str, recovered: str) -> None:
        self._log = log.bind(account=account)
        self._unreadable = unreadable
        self._recovered = recovered
        self._before: frozenset[tuple[str | None, str]] = frozenset()

    def note(self, records: Sequence[UnreadableRecord], fields: Mapping[str, str]) -> None:
        """Log these records, all that the list has now; `fields` name the list."""
        now = frozenset((record.record_id, record.field) for record in records)
        if now == self._before:
            return
        self._before = now
        if not records:
            self._log.info(self._recovered, **fields)
            return
        problems = "; ".join(map(str, records[:MAX_LISTED]))
        self._log.warning(self._unreadable, **fields, records=len(records), problems=problems)
