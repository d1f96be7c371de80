"""The errors that the exporter raises, as one small tree.

    ExporterError
    ├── ConfigError            the configuration can't be used; only the command line catches it
    ├── ListenError            an address can't be used to listen; only the command line catches it
    ├── OutputError            standard output can't be written; only the command line catches it
    └── ApiError               a request or a poll failed; only the polling package catches it
        ├── AuthError          reason `auth`: 401 or 403
        ├── RateLimitedError   reason `rate_limited`: 429, or a hold longer than the deadline
        ├── TimedOutError      reason `timeout`: no complete answer in time
        ├── UnreachableError   reason `unreachable`: no connection, or it broke before an answer
        ├── StatusError        reason `status`: any other status than 200
        ├── NotFoundError      reason `not_found`: 404
        ├── PayloadError       reason `payload`: the body is cut, not as documented
        │   └── TooLargeError  the body is too large
        └── LoopError          reason `loop`: a pagination loop

Messages name the status, the resource and the place. They never contain bodies, headers or keys.
"""

from typing import ClassVar

import msgspec

MAX_SHOWN = 100
"""Characters of an id that the log shows: the API documents no limit."""


class ExporterError(Exception):
    """Base of every error in the tree."""


class Problem(msgspec.Struct, frozen=True):
    """One problem in the configuration.

    `file` is the path as the user gave it, or the name of the environment variable at fault. `line`
    counts from 1 and is None where no line is known. `path` is the path of the key
    (`accounts[0].name`), empty for the whole file.
    """

    file: str
    line: int | None
    path: str
    message: str

    def __str__(self) -> str:
        """Return `FILE:LINE: path.to.key: message`, without the parts that are not known."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.path, self.message) if part)


class UnreadableRecord(msgspec.Struct, frozen=True):
    """One record of a page that can't be read, while other records of the page can.

    `record_id` is None if the id can't be read either. `field` is the API's name of the first field
    at fault, empty if the record is no JSON object; `message` says what is wrong and quotes no
    value. `live` is whether `endedAt` is null, `ended` its time in seconds since the epoch (None if
    it is null, absent or unreadable). `page` is the number of the page, from 1.
    """

    record_id: str | None
    field: str
    message: str
    live: bool = False
    ended: float | None = None
    page: int = 1

    def is_retained(self, now: float, keep_ended: float) -> bool:
        """Return whether the batch may be live, or ended less than `keep_ended` seconds ago."""
        return self.ended is None or now < self.ended + keep_ended

    def __str__(self) -> str:
        """Return the id, the field and the problem, as the log shows them."""
        name = "id unreadable" if self.record_id is None else self.record_id[:MAX_SHOWN]
        return f"{name}: {self.field or 'record'}: {self.message}"


class ConfigError(ExporterError):
    """The configuration can't be used. `problems` are all problems found, in order of line."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class ListenError(ExporterError):
    """An address can't be used to listen: in use, not of this machine, or not permitted."""


class OutputError(ExporterError):
    """Standard output can't be written: the disk is full, or its reader has ended."""


class ApiError(ExporterError):
    """A request or a poll failed. `reason` is the value of the label `reason` of its counter.

    `status` is the HTTP status, None where there is no answer or the answer has status 200.
    `transient` is whether a retry may succeed. `retry_after` is the number of seconds that the API
    asked to wait, None where it did not ask.
    """

    reason: ClassVar[str]

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        transient: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.transient = transient
        self.retry_after = retry_after


class AuthError(ApiError):
    """The API rejected the API key: 401 (documented elsewhere) or 403 (observed)."""

    reason = "auth"


class RateLimitedError(ApiError):
    """The API answered 429, or it holds the account for longer than the deadline."""

    reason = "rate_limited"


class TimedOutError(ApiError):
    """The deadline of the poll or of one request passed, response bodies included."""

    reason = "timeout"


class UnreachableError(ApiError):
    """No answer: name, route, connection or TLS failed."""

    reason = "unreachable"


class StatusError(ApiError):
    """Any other status, redirects included: the exporter follows none."""

    reason = "status"


class NotFoundError(ApiError):
    """The API does not know the agent or the cursor: 404."""

    reason = "not_found"


class PayloadError(ApiError):
    """The body is cut, not JSON, or not of the documented shape."""

    reason = "payload"


class TooLargeError(PayloadError):
    """The body is larger than the exporter can hold or repair: a smaller page may be read."""


class LoopError(ApiError):
    """A pagination loop: a cursor came back, or there are too many pages."""

    reason = "loop"


REASONS: tuple[str, ...] = tuple(error.reason for error in ApiError.__subclasses__())
"""Every value of the `reason` label, in the order of the tree above."""
