"""What a job is: work that runs periodically, and how one run of it ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from exporter.api.client import Client
from exporter.api.deadline import UNWATCHED, Watch
from exporter.errors import ApiError
from exporter.store import Store


@dataclass(frozen=True, slots=True)
class Access:
    """What the jobs of an account read and write: the API, the store and the wall clock.

    `clock` returns seconds since the Unix epoch.
    """

    account: str
    client: Client
    store: Store
    clock: Callable[[], float]


class Run(NamedTuple):
    """What a job gets for one run: how many runs before it failed in a row, and who watches it."""

    failures_in_a_row: int = 0
    watch: Watch = UNWATCHED


class Success(msgspec.Struct, frozen=True):
    """A run that succeeded. `interval` is the seconds from its beginning to the next run's.

    `details` are fields for the log.
    """

    interval: float
    details: Mapping[str, object] = {}


class Failure(msgspec.Struct, frozen=True):
    """A run that failed. `interval` is in seconds, without back-off; `details` are for the log."""

    interval: float
    error: ApiError
    details: Mapping[str, object] = {}


Outcome: TypeAlias = Success | Failure


class Events(NamedTuple):
    """The names of a job's log events: of its first success, of a failure, of the end of it."""

    succeeded: str
    failed: str
    recovered: str


class Job(Protocol):
    """Work that runs periodically."""

    name: str
    """The job's name on `/-/healthy`, where it is reported when it hangs."""

    budget: float
    """Seconds that one run takes at most."""

    needs_poll_slot: bool
    """Whether a run waits for a poll slot: the jobs of agents do, the few of an account do not."""

    events: Events

    def log_fields(self) -> Mapping[str, str]:
        """Return the fields that name the job's object in the log."""
        ...

    async def run_once(self, run: Run) -> Outcome:
        """Do the work once. API errors are returned as a Failure."""
        ...
