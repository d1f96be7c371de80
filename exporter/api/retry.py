"""Which failed requests are retried, and when; the times in headers.

Retries have this one owner: those of aiohttp are off (see `transport`), and after a failed poll
comes the next poll.
"""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

from exporter.api.deadline import Deadline
from exporter.errors import ApiError

ATTEMPTS = 3
"""Requests for one response at most: the first, and two retries."""

HOLD_STATUSES = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""Statuses whose `Retry-After` holds the whole account (documented for both)."""

TRANSIENT_STATUSES = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Statuses that another request may not get."""

SHORTEST_WAIT, JITTER, LONGEST_WAIT = 0.2, 0.4, 0.8
"""Seconds: 0.2 to 0.6 before the first retry, 0.4 to 0.8 before the second."""

QUICK = 1.0
"""Seconds of a request whose `Date` shows the API's clock: others may have begun long before."""

Answer = TypeVar("Answer")


async def with_retries(
    ask: Callable[[], Awaitable[Answer]], deadline: Deadline, on_retry: Callable[[str], None]
) -> Answer:
    """Return what `ask` returns; call it again, up to ATTEMPTS times, while a retry may help.

    Raises the last ApiError of `ask`. `on_retry` gets the reason of the failure before each retry.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return await ask()
        except ApiError as error:
            if not may_retry(error, deadline):
                raise
            reason = error.reason
        await asyncio.sleep(wait_before_retry(attempt, random.random()))  # noqa: S311 - no secret
        on_retry(reason)
    return await ask()


def wait_before_retry(attempt: int, chance: float) -> float:
    """Return the seconds between a failed attempt (1 is the first) and the next.

    `chance` is a random number from 0 to 1: requests that failed together are retried apart.
    """
    return min(SHORTEST_WAIT * 2.0 ** (attempt - 1) + JITTER * chance, LONGEST_WAIT)


def may_retry(error: ApiError, deadline: Deadline) -> bool:
    """Return whether the failure may be gone before the deadline.

    Where it may not, the failure's own reason is raised at once: it says more than a timeout.
    """
    wait = max(error.retry_after or 0.0, LONGEST_WAIT)
    return error.transient and wait < deadline.time_left()


def retry_after(value: str, date: str) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, None where it can't be read.

    It is a number of seconds or a date (both documented). A date is compared with the response's
    own `Date`: so a wrong clock, here or there, has no effect.
    """
    if re.fullmatch("[0-9]+", value):
        return float(value)
    until, now = http_date(value), http_date(date)
    return None if until is None or now is None else max(until - now, 0.0)


def http_date(text: str) -> float | None:
    """Return an HTTP date as seconds since the epoch, None where it is not a date.

    A date outside of the years 1 to 9999 is not a date: Python's datetime has no other years.
    """
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


class ServerClock:
    """The API's clock, as the `Date` of its responses shows it.

    `date` is that of the last response in seconds since the epoch, None where it can't be read.
    """

    def __init__(self) -> None:
        self.date: float | None = None
        self._read: tuple[float, float] | None = None

    def read(self, date: str, began: float, ended: float) -> None:
        """Read the `Date` of a response; its request began and ended at these times of the loop."""
        self.date = http_date(date)
        if self.date is not None and ended - began <= QUICK:
            # A date has no fraction of its second: the middle of both is the best guess.
            self._read = (self.date + 0.5, (began + ended) / 2)

    def offset(self, now: float) -> float | None:
        """Return the seconds by which a clock that shows `now` is ahead of the API's, exact to 1 s.

        None before the first response that was QUICK.
        """
        if self._read is None:
            return None
        date, read = self._read
        return now - (date + asyncio.get_running_loop().time() - read)
