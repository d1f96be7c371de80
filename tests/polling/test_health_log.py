"""One warning for each change of health; a rejected API key is one warning of its account."""

from collections.abc import Mapping

from structlog.testing import capture_logs

from exporter.errors import AuthError, StatusError
from exporter.polling.health_log import HealthLog
from exporter.polling.job import Events, Failure, Outcome, Run, Success

REJECTED: Outcome = Failure(30.0, AuthError("account: the API answered HTTP 403"))
FAILED: Outcome = Failure(30.0, StatusError("account: the API answered HTTP 500"))
SUCCEEDED: Outcome = Success(30.0)


class Named:
    """A job of which only the name matters here."""

    budget = 1.0
    needs_poll_slot = True
    events = Events("poll_succeeded", "poll_failed", "poll_recovered")

    def __init__(self, name: str) -> None:
        self.name = name

    def log_fields(self) -> Mapping[str, str]:
        """Return the name."""
        return {"agent": self.name}

    async def run_once(self, run: Run) -> Outcome:
        """Succeed."""
        assert run
        return SUCCEEDED


A, B = Named("a"), Named("b")


def lines(*notes: tuple[Named, Outcome]) -> list[tuple[str, str]]:
    """Return the events and levels above debug that the outcomes write."""
    health_log = HealthLog("main")
    with capture_logs() as logs:
        for job, outcome in notes:
            health_log.note(job, outcome)
    return [(each["event"], each["log_level"]) for each in logs if each["log_level"] != "debug"]


def test_a_rejected_key_is_one_warning_and_its_end_one_line() -> None:
    assert lines((A, REJECTED), (B, REJECTED), (A, REJECTED), (A, SUCCEEDED), (B, SUCCEEDED)) == [
        ("api_key_rejected", "warning"),
        ("poll_recovered", "info"),
        ("api_key_accepted", "info"),
        ("poll_recovered", "info"),
    ]


def test_the_first_success_shows_that_the_key_is_accepted() -> None:
    assert lines((A, SUCCEEDED), (B, SUCCEEDED), (A, SUCCEEDED)) == [
        ("api_key_accepted", "info"),
        ("poll_succeeded", "info"),
        ("poll_succeeded", "info"),
    ]


def test_while_one_job_is_rejected_and_another_is_not_nothing_is_logged_again() -> None:
    rounds = [(A, SUCCEEDED), (B, REJECTED)] * 3
    assert lines(*rounds) == [
        ("api_key_accepted", "info"),
        ("poll_succeeded", "info"),
        ("api_key_rejected", "warning"),
    ]


def test_only_a_success_ends_a_rejection() -> None:
    assert lines((A, REJECTED), (A, FAILED), (A, REJECTED)) == [("api_key_rejected", "warning")]


def test_a_job_that_ended_is_forgotten() -> None:
    """The next success of another job then shows that the key is accepted."""
    health_log = HealthLog("main")
    with capture_logs() as logs:
        health_log.note(A, REJECTED)
        health_log.forget(A)
        health_log.note(B, SUCCEEDED)
        health_log.note(A, FAILED)
    assert [(each["event"], each["log_level"]) for each in logs] == [
        ("api_key_rejected", "warning"),
        ("poll_failed", "debug"),
        ("api_key_accepted", "info"),
        ("poll_succeeded", "info"),
        ("poll_failed", "warning"),
    ]
