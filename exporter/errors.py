"""What may go wrong, as one small tree.

    ExporterError
    ├── ConfigError            the configuration can't be used; caught by the command line alone
    ├── ListenError            an address can't be listened on; caught by the command line alone
    └── ApiError               a poll failed; caught by the polling package alone
        ├── AuthError          reason `auth`: 401 or 403
        ├── RateLimitedError   reason `rate_limited`: 429
        ├── TimedOutError      reason `timeout`: no whole answer in time
        ├── UnreachableError   reason `unreachable`: no connection, or it broke before an answer
        ├── StatusError        reason `status`: any other status than 200
        ├── NotFoundError      reason `not_found`: 404
        ├── PayloadError       reason `payload`: the body is cut, too large, not as documented
        └── LoopError          reason `loop`: paging does not end

Messages name statuses, endpoints and places. They never carry bodies, headers or keys.
"""

from typing import ClassVar

import msgspec


class ExporterError(Exception):
    """Base of every error that this package raises on purpose."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with the configuration.

    `file` is the path as the user gave it, or the name of the environment variable at fault; `line`
    counts from 1, None where no line can be named; `path` is the key's place (`accounts[0].name`),
    empty for the file as a whole.
    """

    file: str
    line: int | None
    path: str
    message: str

    def __str__(self) -> str:
        """Return `FILE:LINE: path.to.key: message`, leaving out what is not known."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.path, self.message) if part)


class ConfigError(ExporterError):
    """The configuration can't be used. Carries every problem that was found, in order of line."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class ListenError(ExporterError):
    """An address can't be listened on: taken, not this machine's, or not allowed."""


class ApiError(ExporterError):
    """A poll failed. `reason` is the value of the `reason` label under which it is counted.

    `transient` says that it may be gone a moment later; `retry_after` is the number of seconds for
    which the API asked to be left alone, None where it did not.
    """

    reason: ClassVar[str]

    def __init__(
        self, message: str, *, transient: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.transient = transient
        self.retry_after = retry_after


class AuthError(ApiError):
    """The API refused the key: 401 (documented elsewhere) or 403 (observed)."""

    reason = "auth"


class RateLimitedError(ApiError):
    """The API answered 429."""

    reason = "rate_limited"


class TimedOutError(ApiError):
    """The deadline of the poll or the time for one request passed, bodies included."""

    reason = "timeout"


class UnreachableError(ApiError):
    """No answer: name, route, connection or TLS failed."""

    reason = "unreachable"


class StatusError(ApiError):
    """Any other status; redirects count, since none is followed."""

    reason = "status"


class NotFoundError(ApiError):
    """The API does not know the agent or the cursor: 404."""

    reason = "not_found"


class PayloadError(ApiError):
    """The body is cut, too large, not JSON, or not of the documented shape."""

    reason = "payload"


class LoopError(ApiError):
    """A listing does not end: a cursor came back, or there were too many pages."""

    reason = "loop"


REASONS: tuple[str, ...] = tuple(error.reason for error in ApiError.__subclasses__())
"""Every value of the `reason` label, in the order of the tree above."""
