"""A request is retried where that may help, before the deadline and after `Retry-After`."""

import asyncio
import math
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.client import Client
from exporter.api.deadline import Deadline
from exporter.api.rate_limit import LONGEST_HOLD
from exporter.api.retry import LONGEST_WAIT, may_retry, retry_after, wait_before_retry
from exporter.errors import ApiError, RateLimitedError, StatusError
from tests.fake_api import Fault, Simulator
from tests.fake_api import faults as f
from tests.support.builders import LATE, Requests, client

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("9" * 400, math.inf),
        ("Sun, 06 Nov 1994 08:49:47 GMT", 10.0),
        ("Sun, 06 Nov 1994 08:50:37 +0000", 60.0),
        ("Sun, 06 Nov 1994 08:50:37 -0000", 60.0),
        ("Sun, 06 Nov 1994 08:49:07 GMT", 0.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Sun, 99 Nov 1994 08:49:47 GMT", None),
        ("Mon, 99999999999999999999 Jan 2024 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(value, DATE) == seconds


def test_a_date_is_not_read_without_the_response_s_own() -> None:
    assert retry_after(DATE, "") is None


@given(st.text(), st.text())
def test_any_header_is_read_or_not(value: str, date: str) -> None:
    seconds = retry_after(value, date)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("error", "left", "retried"),
    [
        (StatusError("x", transient=True), 60, True),
        (StatusError("x", transient=True), LONGEST_WAIT / 2, False),
        (StatusError("x"), 60, False),
        (RateLimitedError("x", transient=True, retry_after=59), 60, True),
        (RateLimitedError("x", transient=True, retry_after=61), 60, False),
    ],
)
async def test_a_retry_must_be_able_to_help_before_the_deadline(
    error: ApiError, left: float, retried: bool
) -> None:
    async with Deadline(left) as deadline:
        assert may_retry(error, deadline) is retried


@given(st.floats(min_value=0, max_value=1))
def test_the_waits_before_retries_have_limits(chance: float) -> None:
    assert 0.2 <= wait_before_retry(1, chance) <= 0.6 + 1e-9
    assert 0.4 <= wait_before_retry(2, chance) <= LONGEST_WAIT


async def account(api: Client, seconds: float = LATE) -> None:
    """Ask for the account, with a deadline in seconds."""
    async with Deadline(seconds) as deadline:
        await api.account(deadline)


async def test_transient_failures_are_retried(simulator: Simulator, base_url: str) -> None:
    observer = Requests()
    simulator.faults.add(Fault(effect=f.Status(500), times=1))
    simulator.faults.add(Fault(effect=f.Reset(), times=2))
    async with client(simulator, base_url, observer) as api:
        await account(api)
    assert [code for *_, code in observer.seen] == ["error", "error", "200"]
    assert observer.retries == ["unreachable", "unreachable"]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
async def test_retry_after_is_honoured_by_every_request_of_the_account(
    simulator: Simulator, base_url: str, status: int, as_date: bool
) -> None:
    """A date is in whole seconds: two seconds on, it asks for more than one."""
    wanted: int | str = formatdate(time.time() + 2, usegmt=True) if as_date else 1
    clock = asyncio.get_running_loop().time
    simulator.faults.add(Fault(effect=f.Status(status, retry_after=wanted), times=1))
    async with client(simulator, base_url) as api:
        began = clock()
        first = asyncio.create_task(account(api))
        while not api.limiter.held_for():
            await asyncio.sleep(0.01)
        await account(api)
        assert clock() - began >= 0.99
        await first
    assert [request.status for request in simulator.requests] == [status, 200, 200]


@pytest.mark.parametrize(("status", "reason"), [(429, "rate_limited"), (503, "status")])
async def test_a_wait_beyond_the_deadline_fails_at_once_and_holds_the_account(
    simulator: Simulator, base_url: str, status: int, reason: str
) -> None:
    """The failure keeps its reason; what begins meanwhile fails without a request."""
    simulator.faults.add(Fault(effect=f.Status(status, retry_after=10**9), times=1))
    clock = asyncio.get_running_loop().time
    async with client(simulator, base_url) as api:
        began = clock()
        with pytest.raises(ApiError, match=f"answered HTTP {status}") as caught:
            await account(api, 30)
        assert caught.value.reason == reason
        with pytest.raises(RateLimitedError, match="accepts no request for another"):
            await account(api, 30)
        assert clock() - began < 30
        assert len(simulator.requests) == 1
        assert api.limiter.held_for() <= LONGEST_HOLD


async def test_an_unreadable_retry_after_is_no_hold(simulator: Simulator, base_url: str) -> None:
    simulator.faults.add(Fault(effect=f.Status(429, retry_after="soon"), times=1))
    async with client(simulator, base_url) as api:
        await account(api)
    assert len(simulator.requests) == 2
