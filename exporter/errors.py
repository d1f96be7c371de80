"""The errors that the exporter raises, as one small tree.

    ExporterError
    ├── ConfigError            the configuration can't be used; only the command line catches it
    ├── ListenError            an address can't be used to listen; only the command line catches it
    ├── OutputError            standard output can't be written; only the command line catches it
    └── ApiError               a request or a poll failed; only the polling package catches it
        ├── AuthError          reason `auth`: 401 or 403
        ├── RateLimitedError   reason `rate_limited`: 429
        ├── TimedOutError      reason `timeout`: no complete answer in time
        ├── UnreachableError   reason `unreachable`: no connection, or it broke before an answer
        ├── StatusError        reason `status`: any other status than 200
        ├── NotFoundError      reason `not_found`: 404
        ├── PayloadError       reason `payload`: the body is cut, too large, not as documented
        └── LoopError          reason `loop`: a pagination loop

Messages name the status, the resource and the place. They never contain bodies, headers or keys.
"""

from typing import ClassVar

import msgspec


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
    """The API answered 429."""

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
    """The body is cut, too large, not JSON, or not of the documented shape."""

    reason = "payload"


class LoopError(ApiError):
    """A pagination loop: a cursor came back, or there are too many pages."""

    reason = "loop"


REASONS: tuple[str, ...] = tuple(error.reason for error in ApiError.__subclasses__())
"""Every value of the `reason` label, in the order of the tree above."""
