"""Another try where it may help, soon enough, and not before the API wants it."""

import asyncio
import math
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.deadline import deadline
from exporter.api.rate_limit import LONGEST_HOLD
from exporter.api.retry import LONGEST_WAIT, retry_after, worth_another_try
from exporter.errors import ApiError, RateLimitedError, StatusError
from tests.fake_api import Fault, Simulator
from tests.fake_api import faults as f
from tests.support.builders import Requests, client

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
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(value, DATE) == seconds


def test_a_date_counts_for_nothing_without_the_answer_s_own() -> None:
    assert retry_after(DATE, "") is None


@given(st.text(), st.text())
def test_any_header_is_read_or_not(value: str, date: str) -> None:
    seconds = retry_after(value, date)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("error", "left", "worth"),
    [
        (StatusError("x", transient=True), 60, True),
        (StatusError("x", transient=True), LONGEST_WAIT / 2, False),
        (StatusError("x"), 60, False),
        (RateLimitedError("x", transient=True, retry_after=59), 60, True),
        (RateLimitedError("x", transient=True, retry_after=61), 60, False),
        (ValueError("x"), 60, False),
    ],
)
async def test_another_try_must_help_and_be_in_time(
    error: Exception, left: float, worth: bool
) -> None:
    async with deadline(left):
        assert worth_another_try(error) is worth


async def test_what_passes_is_got_over(simulator: Simulator, base_url: str) -> None:
    observer = Requests()
    simulator.faults.add(Fault(effect=f.Status(500), times=1))
    simulator.faults.add(Fault(effect=f.Reset(), times=2))
    async with client(simulator, base_url, observer) as api:
        await api.account()
    assert [code for *_, code in observer.seen] == ["error", "error", "200"]
    assert observer.again == ["unreachable", "unreachable"]


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
        first = asyncio.create_task(api.account())
        while not simulator.requests or simulator.requests[0].status is None:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        await api.account()
        assert clock() - began >= 0.99
        await first
    assert [request.status for request in simulator.requests] == [status, 200, 200]


@pytest.mark.parametrize(("status", "reason"), [(429, "rate_limited"), (503, "status")])
async def test_a_wait_beyond_the_deadline_fails_at_once_and_holds_the_account_back(
    simulator: Simulator, base_url: str, status: int, reason: str
) -> None:
    """The failure keeps its reason; what begins meanwhile fails without a request."""
    simulator.faults.add(Fault(effect=f.Status(status, retry_after=10**9), times=1))
    clock = asyncio.get_running_loop().time
    async with client(simulator, base_url) as api:
        began = clock()
        with pytest.raises(ApiError, match=f"answered {status}") as caught:
            async with deadline(30):
                await api.account()
        assert caught.value.reason == reason
        with pytest.raises(RateLimitedError, match="no request for another"):
            async with deadline(30):
                await api.account()
        assert clock() - began < 30
        assert len(simulator.requests) == 1
        assert api.held_for() <= LONGEST_HOLD


async def test_an_unreadable_wish_is_no_hold(simulator: Simulator, base_url: str) -> None:
    simulator.faults.add(Fault(effect=f.Status(429, retry_after="soon"), times=1))
    async with client(simulator, base_url) as api:
        await api.account()
    assert len(simulator.requests) == 2
