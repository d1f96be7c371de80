"""Batches are created, progress, end and are deleted, as a Prometheus that scrapes sees it."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from exporter.config import Account as ConfiguredAccount
from exporter.config import Agent, Batches, Config, Key, Polling, Secret
from exporter.simulator import Account
from tests.fake_api import Fault, Simulator, serve
from tests.fake_api import faults as f
from tests.support.in_process import exporter_running, scrape
from tests.support.process import FREE_PORT, run, started, write_config
from tests.support.virtual import VirtualLoop

QUICK = {"interval": "1s", "idle_interval": "1s", "timeout": "5s"}

ONE_POLL = Polling(interval=7200.0, idle_interval=7200.0, stale_after=86400.0)
"""Nothing is polled a second time in the time of a test."""


@pytest.fixture
def simulator() -> Simulator:
    """Return an empty account on the real clock, which the exporter's process has too."""
    return Simulator(Account(name="lifecycle"))


def having(found: dict[str, float], name: str, text: str) -> list[float]:
    """Return the values of the series of a metric whose labels contain a text."""
    return [value for key, value in found.items() if key.startswith(name + "{") and text in key]


def has(found: dict[str, float], batch_id: str) -> bool:
    """Return whether a batch has series."""
    return any(batch_id in name for name in found)


async def test_batches_come_and_go_with_the_next_poll(tmp_path: Path, simulator: Simulator) -> None:
    agent = simulator.add_agent("Renewals")
    first = simulator.create(agent, total_count=10, completed_count=3)
    async with serve(simulator) as base_url:
        account = {"agents": [{"id": agent}]}
        path = write_config(tmp_path, base_url, simulator.api_key, account=account, polling=QUICK)
        async with started(f"--config.file={path}", FREE_PORT) as exporter:
            await exporter.until(lambda found: has(found, first))
            second = simulator.create(agent, total_count=7)
            found = await exporter.until(lambda found: has(found, second))
            assert having(found, "ultravox_batch_calls", second) == [7]
            simulator.delete(second)
            found = await exporter.until(lambda found: not has(found, second))
            assert has(found, first)
            simulator.update(first, completed_count=9)
            progress = "ultravox_batch_last_progress_timestamp_seconds"
            await exporter.until(lambda found: bool(having(found, progress, first)))
            simulator.update(first, ended_at=time.time())
            found = await exporter.until(
                lambda found: bool(having(found, "ultravox_batch_ended_timestamp_seconds", first))
            )
            assert having(found, "ultravox_batch_calls_completed", first) == [9]
            assert having(found, "ultravox_batch_state", f'{first}",state="ended"') == [1]
            assert not having(found, progress, first)


def in_virtual_time(test: Callable[[VirtualLoop], Coroutine[None, None, None]]) -> None:
    """Run a test on a loop on which time passes only while nothing can run."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        runner.run(test(loop))


def configured(
    base_url: str, simulator: Simulator, agent: str, batches: Batches
) -> tuple[Config, dict[str, Key]]:
    """Return a configuration in which the agent is polled once, and the API keys by account."""
    account = ConfiguredAccount("main", base_url, api_key_env="KEY", agents=(Agent(agent),))
    return Config((account,), ONE_POLL, batches), {"main": Key("main", Secret(simulator.api_key))}


def test_ended_batches_are_kept_as_long_as_configured() -> None:
    """A batch is withdrawn `keep_ended` after its end, to the second, without another poll."""
    in_virtual_time(ended_batches)


async def ended_batches(loop: VirtualLoop) -> None:
    """Scrape before and after the end of `keep_ended` of one batch; another is too old at once."""
    simulator = Simulator(Account(name="lifecycle"), clock=loop.wall_clock)
    agent, now = simulator.add_agent(), loop.wall_clock()
    simulator.create(agent, ended_at=now - 3000, batch_id="late")
    simulator.create(agent, ended_at=now - 3601, batch_id="early")
    async with serve(simulator) as api:
        config, keys = configured(api, simulator, agent, Batches(keep_ended=3600.0))
        async with exporter_running(loop, config, keys) as base_url:
            for second, kept in ((10, True), (599, True), (601, False)):
                await asyncio.sleep(second - loop.time())
                found = await scrape(base_url)
                assert having(found, "ultravox_agent_up", agent) == [1]
                assert has(found, "late") is kept
                assert not has(found, "early")
                assert having(found, "ultravox_agent_polls_total", agent) == [1]


def test_the_state_follows_the_clock_between_scrapes_without_a_poll() -> None:
    """State and remaining seconds of a window are those of the scrape."""
    in_virtual_time(window_of_a_batch)


async def window_of_a_batch(loop: VirtualLoop) -> None:
    """Scrape before, in and after the window of a batch: it opens at 100 s and closes at 200 s."""
    simulator = Simulator(Account(name="lifecycle"), clock=loop.wall_clock)
    agent, opens = simulator.add_agent(), loop.wall_clock() + 100
    simulator.create(agent, total_count=5, window_start=opens, window_end=opens + 100)
    expected = (
        (50, "scheduled", 100.0),
        (99, "scheduled", 100.0),
        (101, "active", 99.0),
        (150, "active", 50.0),
        (201, "window_closed", 0.0),
    )
    async with serve(simulator) as api:
        config, keys = configured(api, simulator, agent, Batches())
        async with exporter_running(loop, config, keys) as base_url:
            for second, state, remaining in expected:
                await asyncio.sleep(second - loop.time())
                found = await scrape(base_url)
                assert having(found, "ultravox_batch_state", f'state="{state}"') == [1]
                assert sum(having(found, "ultravox_batch_state", agent)) == 1
                (seconds,) = having(found, "ultravox_batch_window_remaining_seconds", agent)
                assert seconds == pytest.approx(remaining, abs=0.05)
                assert having(found, "ultravox_agent_polls_total", agent) == [1]


async def test_a_large_agent_is_listed_exactly_while_batches_come_and_go(
    tmp_path: Path, simulator: Simulator
) -> None:
    """5,000 batches on 50 pages; at each page one batch is deleted and one is created."""
    agent = simulator.add_agent()
    now = time.time()
    made = [
        simulator.create(agent, created=now - 9000 + n, batch_id=f"b{n:04}") for n in range(5000)
    ]
    to_delete = iter(made[7::100])
    deleted: list[str] = []

    def change() -> None:
        deleted.append(next(to_delete))
        simulator.delete(deleted[-1])
        simulator.create(agent, batch_id=f"new{len(deleted):04}")

    fault = simulator.faults.add(
        Fault(path="/api/agents/*/scheduled_batches", effect=f.Before(change), times=50)
    )
    async with serve(simulator) as base_url:
        path = write_config(
            tmp_path,
            base_url,
            simulator.api_key,
            account={"agents": [{"id": agent}]},
            polling={"interval": "1s", "timeout": "60s"},
            batches={"max_per_agent": 10000},
        )
        async with started(f"--config.file={path}", FREE_PORT) as exporter:

            def ids(found: dict[str, float]) -> set[str]:
                return {
                    name.split('batch_id="')[1].split('"')[0]
                    for name in found
                    if name.startswith("ultravox_batch_info")
                }

            first = ids(await exporter.until(lambda found: bool(ids(found))))
            assert fault.hits == 50
            assert set(made) - set(deleted) <= first
            listed = {row["batchId"] for row in simulator.batches(agent)}
            found = await exporter.until(lambda found: ids(found) == listed)
            assert having(found, "ultravox_agent_listing_pages", 'listing="full"') == [50]
            assert having(found, "ultravox_agent_batches_reported", agent) == [5000]


@pytest.mark.parametrize(
    ("effect", "reason"),
    [(f.Status(500), "status"), (f.CutBody(), "payload"), (f.NotJson(), "payload")],
)
async def test_a_broken_page_3_leaves_the_last_snapshot_and_the_other_agents_alone(
    tmp_path: Path, simulator: Simulator, effect: f.Effect, reason: str
) -> None:
    failing, healthy = simulator.add_agent("Failing"), simulator.add_agent("Healthy")
    batches = [simulator.create(failing, created=time.time() - n) for n in range(450)]
    simulator.create(healthy, total_count=9)
    failures = "ultravox_agent_poll_failures_total"
    async with serve(simulator) as base_url:
        account = {"agents": [{"id": failing}, {"id": healthy}]}
        path = write_config(tmp_path, base_url, simulator.api_key, account=account, polling=QUICK)
        async with started(f"--config.file={path}", FREE_PORT) as exporter:
            await exporter.ready()
            simulator.faults.add(Fault(agent_id=failing, page=3, effect=effect))
            # A poll that had read the third page when the fault was added may succeed.
            before = await exporter.until(
                lambda found: having(found, "ultravox_agent_up", failing) == [0]
            )
            assert having(before, "ultravox_batch_calls_completed", failing) == [0] * len(batches)
            for batch in batches:
                simulator.update(batch, completed_count=1)
            found = await exporter.until(
                lambda found: all(
                    having(found, "ultravox_agent_polls_total", agent)
                    > having(before, "ultravox_agent_polls_total", agent)
                    for agent in (failing, healthy)
                )
            )
            assert having(found, "ultravox_agent_up", failing) == [0]
            assert having(found, failures, f'{failing}",reason="{reason}"')[0] >= 2
            assert sum(having(found, failures, healthy)) == 0
            assert having(found, "ultravox_agent_up", healthy) == [1]
            assert about(found, failing) == about(before, failing)
            assert about(found, healthy) == about(before, healthy)


def about(found: dict[str, float], agent_id: str) -> dict[str, float]:
    """Return the series of an agent's batches that do not depend on the time."""
    return {
        name: value
        for name, value in found.items()
        if name.startswith("ultravox_batch_") and agent_id in name and "remaining_sec" not in name
    }


async def test_without_a_file_one_variable_is_enough(tmp_path: Path) -> None:
    variables = {"ULTRAVOX_API_KEY": "canary-key"}
    status, out, err = await run("check", cwd=tmp_path, env=variables)
    assert (status, err) == (0, "")
    assert out.startswith("environment variable ULTRAVOX_API_KEY: valid\naccount default: ")
    assert "discovery every 5m: *" in out
    assert "canary" not in out
