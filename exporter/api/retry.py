"""Which failures are worth another try, and when.

The one owner of retries: aiohttp's own are off (see `client`), and a failed poll is followed by the
next poll.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import stamina
from stamina.instrumentation import set_on_retry_hooks

from exporter.api.deadline import time_left
from exporter.errors import ApiError

ATTEMPTS = 3
"""Requests for one answer at most: the first, and two more."""

PASSING = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Statuses that may be gone a moment later."""

FIRST_WAIT, JITTER, LONGEST_WAIT = 0.2, 0.4, 0.8
"""Seconds: before the second attempt 0.2 to 0.6, before the third 0.4 to 0.8."""

# stamina would log and count each retry in its own way, with the account unknown.
set_on_retry_hooks(())


_RETRYING = stamina.AsyncRetryingCaller(
    attempts=ATTEMPTS,
    timeout=None,
    wait_initial=FIRST_WAIT,
    wait_jitter=JITTER,
    wait_max=LONGEST_WAIT,
)

Answer = TypeVar("Answer")


async def persistently(
    ask: Callable[[], Awaitable[Answer]], again: Callable[[str], None]
) -> Answer:
    """Ask until there is an answer or no further attempt may help; then the last failure is raised.

    `again` is told the reason of each further attempt.
    """
    failures: list[ApiError] = []

    async def attempt() -> Answer:
        if failures:
            again(failures[-1].reason)
        try:
            return await ask()
        except ApiError as error:
            failures.append(error)
            raise

    return await _RETRYING(worth_another_try, attempt)


def worth_another_try(error: Exception) -> bool:
    """Whether the failure may be gone soon enough for the deadline that this task runs under.

    Where it is not, the failure's own reason is worth more than a timeout.
    """
    if not isinstance(error, ApiError) or not error.transient:
        return False
    return max(error.retry_after or 0.0, LONGEST_WAIT) < time_left()


def retry_after(value: str, date: str) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, None where it can't be read.

    It is seconds, or a date (both documented). A date counts from the answer's own `Date`, so that
    a clock that is wrong, here or there, does no harm.
    """
    if re.fullmatch("[0-9]+", value):
        return float(value)
    until, now = http_date(value), http_date(date)
    return None if until is None or now is None else max(until - now, 0.0)


def http_date(text: str) -> float | None:
    """Return an HTTP date as seconds since the epoch, None for what is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
