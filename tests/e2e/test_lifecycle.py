"""Batches come, move, end and go, as an operator's Prometheus would see it."""

import time
from pathlib import Path

import pytest

from exporter.simulator import Account
from tests.fake_api import Fault, Simulator, serve
from tests.fake_api import faults as f
from tests.support.process import FREE_PORT, run, started, write_config

QUICK = {"interval": "1s", "idle_interval": "1s", "timeout": "5s"}


@pytest.fixture
def simulator() -> Simulator:
    """Return an empty account that lives in real time, as a process does."""
    return Simulator(Account(name="lifecycle"))


def having(found: dict[str, float], name: str, text: str) -> list[float]:
    """Return the values of a metric's series that hold a text in their labels."""
    return [value for key, value in found.items() if key.startswith(name + "{") and text in key]


def has(found: dict[str, float], batch_id: str) -> bool:
    """Tell whether a batch has series."""
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


async def test_ended_batches_are_kept_as_long_as_configured(
    tmp_path: Path, simulator: Simulator
) -> None:
    agent = simulator.add_agent()
    now = time.time()
    late = simulator.create(agent, ended_at=now - 5)
    simulator.create(agent, ended_at=now - 3600, batch_id="early")
    async with serve(simulator) as base_url:
        path = write_config(
            tmp_path,
            base_url,
            simulator.api_key,
            account={"agents": [{"id": agent}]},
            polling={"interval": "5m", "idle_interval": "5m"},
            batches={"keep_ended": "8s"},
        )
        async with started(f"--config.file={path}", FREE_PORT) as exporter:
            found = await exporter.until(lambda found: bool(having(found, "ultravox_agent_up", "")))
            assert not has(found, "early")
            assert has(found, late) or time.time() > now + 3
            found = await exporter.until(lambda found: not has(found, late))
            assert having(found, "ultravox_agent_polls_total", agent) == [1]
            assert time.time() > now + 3


async def test_time_moves_between_scrapes_without_a_poll(
    tmp_path: Path, simulator: Simulator
) -> None:
    agent = simulator.add_agent()

    def create() -> None:
        """Create the batch as it is listed: however long the exporter takes to start."""
        start = time.time() + 4
        simulator.create(
            agent, batch_id="brief", total_count=5, window_start=start, window_end=start + 4
        )

    simulator.faults.add(Fault(agent_id=agent, effect=f.Before(create), times=1))
    async with serve(simulator) as base_url:
        path = write_config(
            tmp_path,
            base_url,
            simulator.api_key,
            account={"agents": [{"id": agent, "name": "Named"}]},
            polling={"interval": "5m"},
        )

        def state(found: dict[str, float]) -> str:
            (name,) = [
                name
                for name, value in found.items()
                if name.startswith("ultravox_batch_state") and value == 1
            ]
            return name.split('state="')[1].rstrip('"}')

        async with started(f"--config.file={path}", FREE_PORT) as exporter:
            found = await exporter.until(lambda found: has(found, "brief"))
            states = [state(found)]
            left = having(found, "ultravox_batch_window_remaining_seconds", "brief")
            while states[-1] != "window_closed":
                found = await exporter.scrape()
                states.append(state(found))
                left += having(found, "ultravox_batch_window_remaining_seconds", "brief")
            assert having(found, "ultravox_agent_polls_total", agent) == [1]
    order = ["scheduled", "active", "window_closed"]
    assert [each for each in order if each in states] == list(dict.fromkeys(states))
    assert left == sorted(left, reverse=True)
    assert left[0] > left[-1] == 0


async def test_a_large_agent_is_listed_exactly_while_rows_come_and_go(
    tmp_path: Path, simulator: Simulator
) -> None:
    """5,000 batches over 50 pages, some vanishing and some appearing at each page."""
    agent = simulator.add_agent()
    now = time.time()
    made = [
        simulator.create(agent, created=now - 9000 + n, batch_id=f"b{n:04}") for n in range(5000)
    ]
    doomed = iter(made[7::100])
    gone: list[str] = []

    def change() -> None:
        gone.append(next(doomed))
        simulator.delete(gone[-1])
        simulator.create(agent, batch_id=f"new{len(gone):04}")

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
            assert set(made) - set(gone) <= first
            truth = {row["batchId"] for row in simulator.batches(agent)}
            found = await exporter.until(lambda found: ids(found) == truth)
            assert having(found, "ultravox_agent_listing_pages", 'listing="full"') == [50]
            assert having(found, "ultravox_agent_batches_reported", agent) == [5000]


@pytest.mark.parametrize(
    ("effect", "reason"),
    [(f.Status(500), "status"), (f.CutBody(), "payload"), (f.NotJson(), "payload")],
)
async def test_a_broken_page_3_leaves_the_last_snapshot_and_the_other_agents_alone(
    tmp_path: Path, simulator: Simulator, effect: f.Effect, reason: str
) -> None:
    ill, well = simulator.add_agent("Ill"), simulator.add_agent("Well")
    batches = [simulator.create(ill, created=time.time() - n) for n in range(450)]
    simulator.create(well, total_count=9)
    failures = "ultravox_agent_poll_failures_total"
    async with serve(simulator) as base_url:
        account = {"agents": [{"id": ill}, {"id": well}]}
        path = write_config(tmp_path, base_url, simulator.api_key, account=account, polling=QUICK)
        async with started(f"--config.file={path}", FREE_PORT) as exporter:
            await exporter.ready()
            simulator.faults.add(Fault(agent_id=ill, page=3, effect=effect))
            # A poll that was past the third page when the fault began may still have succeeded.
            before = await exporter.until(
                lambda found: having(found, "ultravox_agent_up", ill) == [0]
            )
            assert having(before, "ultravox_batch_calls_completed", ill) == [0] * len(batches)
            for batch in batches:
                simulator.update(batch, completed_count=1)
            found = await exporter.until(
                lambda found: all(
                    having(found, "ultravox_agent_polls_total", agent)
                    > having(before, "ultravox_agent_polls_total", agent)
                    for agent in (ill, well)
                )
            )
            assert having(found, "ultravox_agent_up", ill) == [0]
            assert having(found, failures, f'{ill}",reason="{reason}"')[0] >= 2
            assert sum(having(found, failures, well)) == 0
            assert having(found, "ultravox_agent_up", well) == [1]
            assert about(found, ill) == about(before, ill)
            assert about(found, well) == about(before, well)


def about(found: dict[str, float], agent_id: str) -> dict[str, float]:
    """Return the series of an agent's batches, but for those that the time moves."""
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
