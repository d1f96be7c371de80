"""What `/-/healthy` and `/-/ready` report."""

import asyncio
import math

from msgspec.structs import replace

from exporter.config import Account, Config, Discover
from exporter.model import AccountSnapshot, Agent, AgentSnapshot, DiscoveryHealth, PollHealth
from exporter.polling.heartbeat import Heartbeat, JobWatch, Readiness
from exporter.store import Store


async def test_a_job_that_does_not_report_in_time_is_overdue() -> None:
    heartbeat = Heartbeat(grace=0.0)
    heartbeat.expect("runs", within=3600)
    heartbeat.expect("hangs", within=-1)
    assert heartbeat.overdue() == ["hangs"]
    heartbeat.expect("hangs", within=3600)
    assert heartbeat.overdue() == []
    heartbeat.expect("ended", within=-1)
    heartbeat.forget("ended")
    assert heartbeat.overdue() == []


async def test_a_late_job_has_a_grace() -> None:
    heartbeat = Heartbeat(grace=3600.0)
    heartbeat.expect("late", within=-1)
    assert heartbeat.overdue() == []


async def test_a_job_is_expected_only_while_its_watch_is_not_suspended() -> None:
    heartbeat = Heartbeat(grace=0.0)
    watch = JobWatch(heartbeat, "job", budget=-1.0)
    watch.resume()
    assert heartbeat.overdue() == ["job"]
    watch.suspend()
    assert heartbeat.overdue() == []


UNPOLLED = AgentSnapshot(Agent("main", "a", "A"), PollHealth(30.0))
POLLED = AgentSnapshot(Agent("main", "a", "A"), PollHealth(30.0, up=False))


def test_readiness_needs_discovery_and_a_poll_of_each_agent_and_stays() -> None:
    """A failed poll counts; agents that are discovered later do not end it."""
    store = Store()
    account = AccountSnapshot("main", 5.0)
    store.put_account(account)
    readiness = Readiness(Config((Account("main", discover=Discover()),)), store)
    assert not readiness.reached()
    store.put_account(replace(account, discovery=DiscoveryHealth(up=False)))
    store.put_agent(UNPOLLED)
    assert not readiness.reached()
    store.put_agent(POLLED)
    assert readiness.reached()
    store.put_agent(UNPOLLED)
    assert readiness.reached()


async def test_a_callback_waits_for_readiness() -> None:
    store, calls = Store(), list[str]()
    store.put_agent(UNPOLLED)
    readiness = Readiness(Config((Account("main"),)), store)
    calling = readiness.call(lambda: calls.append("ready"), limit=math.inf)
    task = asyncio.create_task(calling)
    await asyncio.wait([task], timeout=0)
    assert calls == []
    store.put_agent(POLLED)
    await task
    assert calls == ["ready"]


async def test_a_callback_comes_at_the_limit_where_readiness_does_not() -> None:
    store, calls = Store(), list[str]()
    store.put_agent(UNPOLLED)
    readiness = Readiness(Config((Account("main"),)), store)
    await readiness.call(lambda: calls.append("late"), limit=0.0)
    assert calls == ["late"]
