"""An account's loops: agents come and go, and the account's own health is its own."""

import asyncio
from collections.abc import Callable

from msgspec.structs import replace
from structlog.testing import capture_logs

from exporter.api.schemas import AgentRecord
from exporter.config import Account, Agent, Discover, Polling
from exporter.model import AccountSnapshot, DiscoveryHealth
from exporter.polling.account_probe import Probe
from exporter.polling.context import Context
from exporter.polling.discovery import Discovery, chosen
from exporter.polling.supervisor import Fleet, configured, watch
from exporter.simulator import Account as SimulatedAccount
from exporter.simulator import Fault, Simulator, serve
from exporter.simulator import faults as f
from tests.support.builders import Clock, account, context
from tests.support.virtual import VirtualLoop

QUICK = Polling(interval=0.05, idle_interval=0.05, timeout=5)


def names(made: Context) -> dict[str, str]:
    """Return the names of the agents in the store, by id."""
    return {each.agent.agent_id: each.agent.name for each in made.store.snapshot().agents}


def discovered(made: Context) -> int | None:
    """Return how many agents discovery chose."""
    health = made.store.account("main").discovery
    assert health is not None
    return health.discovered


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the loops bring about."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def test_the_file_names_agents_and_the_id_stands_in() -> None:
    made = Account("main", agents=(Agent("a", "A", {"team": "x"}), Agent("b")))
    assert [(agent.name, agent.labels) for agent in configured(made)] == [
        ("A", {"team": "x"}),
        ("b", {}),
    ]


def test_agents_are_chosen_by_globs_on_name_or_id() -> None:
    rows = [
        AgentRecord("id-1", "test-one"),
        AgentRecord("id-2", "two"),
        AgentRecord("test-3"),
        AgentRecord("4"),
    ]

    def ids(include: str, *exclude: str) -> list[str]:
        return [row.agent_id for row in chosen(rows, Discover((include,), exclude))]

    assert ids("*") == ["id-1", "id-2", "test-3", "4"]
    assert ids("*", "test-*") == ["id-2", "4"]
    assert ids("t[!e]*") == ["id-2"]
    assert ids("TWO") == []


async def test_discovered_agents_come_go_and_are_renamed(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    fixed = simulator.add_agent("Fixed at the API")
    first, second = simulator.add_agent("First"), simulator.add_agent()
    simulator.add_agent("test-ignored")
    discover = Discover(exclude=("test-*",), interval=0.05)
    made_account = Account(
        "main",
        base_url=base_url,
        requests_per_second=1000.0,
        agents=(Agent(fixed, "Fixed"),),
        discover=discover,
    )
    surroundings = context(simulator, made_account, clock=clock, polling=QUICK)
    async with surroundings as made:
        watching = asyncio.create_task(watch(made))
        await until(lambda: names(made) == {fixed: "Fixed", first: "First", second: second})
        await until(lambda: all(each.health.up for each in made.store.snapshot().agents))
        assert discovered(made) == 3
        simulator.delete_agent(first)
        simulator.rename_agent(second, "Second")
        simulator.rename_agent(fixed, "Renamed")
        third = simulator.add_agent("Third")
        await until(lambda: names(made) == {fixed: "Fixed", second: "Second", third: "Third"})
        assert made.liveness.overdue() == []
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_failed_discovery_changes_nothing(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent("A")
    surroundings = context(
        simulator, account(base_url, discover=Discover(interval=0.05)), clock=clock, polling=QUICK
    )
    async with surroundings as made:
        with capture_logs() as logs:
            handle = simulator.faults.add(Fault(path="/api/agents", effect=f.Status(500)))
            watching = asyncio.create_task(watch(made))
            await until(lambda: made.store.account("main").discovery is not None)
            assert made.store.account("main").discovery == DiscoveryHealth(up=False)
            assert names(made) == {}
            handle.remove()
            await until(lambda: names(made) == {agent: "A"})
            struck = simulator.faults.add(Fault(path="/api/agents", effect=f.NotJson()))
            await until(lambda: struck.hits > 1)
            assert names(made) == {agent: "A"}
            assert discovered(made) == 1
            ill = made.store.account("main").discovery
            assert ill is not None
            assert (ill.up, ill.last_success) == (False, clock.now)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    events = [
        (log["event"], log.get("reason"))
        for log in logs
        if log["event"].startswith("discovery") and log["log_level"] != "debug"
    ]
    assert events == [
        ("discovery_down", "status"),
        ("discovery_up", None),
        ("discovery_down", "payload"),
    ]


async def test_many_agents_are_all_discovered_over_pages(clock: Clock) -> None:
    simulator = Simulator(SimulatedAccount(name="many"), clock=clock)
    made_ids = {simulator.add_agent() for _ in range(230)}
    async with serve(simulator) as base_url:
        surroundings = context(simulator, account(base_url, discover=Discover()), clock=clock)
        async with surroundings as made:
            watching = asyncio.create_task(watch(made))
            await until(lambda: set(names(made)) == made_ids)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


def test_agents_that_hang_do_not_hold_up_the_others() -> None:
    """Sixty hang, each for the whole of its deadline; the one that does not is polled in time."""

    async def polls_of_the_healthy(loop: VirtualLoop) -> int:
        simulator = Simulator(SimulatedAccount(name="ill"), clock=loop.wall_clock)
        healthy, *ill = (simulator.add_agent() for _ in range(61))
        simulator.create(healthy)
        for agent in ill:
            simulator.faults.add(Fault(effect=f.Hang(), agent_id=agent))
        polling = Polling(interval=30.0, timeout=25.0)
        async with serve(simulator) as base_url:
            watched = account(base_url, healthy, *ill)
            surroundings = context(simulator, watched, clock=loop.wall_clock, polling=polling)
            async with surroundings as made:
                watching = asyncio.create_task(watch(made))
                await asyncio.sleep(600)
                before = made.store.agent(("main", healthy)).health.polls
                await asyncio.sleep(600)
                after = made.store.agent(("main", healthy)).health
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
        assert after.failures == {}
        return after.polls - before

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        assert runner.run(polls_of_the_healthy(loop)) in (20, 21)


async def test_too_many_agents_for_the_limit_are_told_of_once(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """And again only after it was well in between."""
    limited = Account("main", base_url=base_url, requests_per_second=0.51, api_key_env="KEY")
    fixed = replace(limited, agents=tuple(Agent(f"a{n}") for n in range(14)))
    done = asyncio.Event()

    async def come_and_go(made: Context) -> None:
        async with asyncio.TaskGroup() as loops:
            fleet = Fleet(made, loops)
            fleet.start_configured()
            for agents in (1, 2, 0, 1):
                fleet.follow([AgentRecord(f"b{n}") for n in range(agents)])
            done.set()

    with capture_logs() as logs:
        async with context(simulator, fixed, clock=clock) as made:
            task = asyncio.create_task(come_and_go(made))
            await done.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    told = [log for log in logs if log["event"] == "requests_per_second_too_low"]
    assert [(log["agents"], log["allowed"]) for log in told] == [(15, 0.51), (15, 0.51)]


async def test_an_include_that_matches_nothing_is_told_of_once(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    simulator.add_agent("Renewals")
    discover = Discover(include=("Ren*", "Win-back"), interval=0.05)
    async with context(simulator, account(base_url, discover=discover), clock=clock) as made:
        discovery = Discovery(made, discover, lambda _: None)
        with capture_logs() as logs:
            await discovery.step()
            await discovery.step()
            simulator.add_agent("Win-back")
            await discovery.step()
        health = made.store.account("main").discovery
    assert health is not None
    assert health.included == {"Ren*": 1, "Win-back": 1}
    told = [log["include"] for log in logs if log["event"] == "include_matches_no_agent"]
    assert told == ["Win-back"]


async def test_the_probe_tells_whether_the_key_works(clock: Clock) -> None:
    simulated = SimulatedAccount(name="x", active_calls=7, allowed_concurrent_calls=25)
    simulator = Simulator(simulated, clock=clock)
    async with (
        serve(simulator) as url,
        context(simulator, account(url), clock=clock, polling=QUICK) as made,
    ):
        probe = Probe(made)
        with capture_logs() as logs:
            assert await probe.step() == 0.05
            well = AccountSnapshot(
                "main",
                1000.0,
                up=True,
                last_success=clock.now,
                active_calls=7,
                allowed_calls=25,
            )
            assert made.store.account("main") == well
            await probe.step()
            simulator.faults.add(Fault(effect=f.Status(401)))
            clock.now += 60
            await probe.step()
            ill = made.store.account("main")
            assert (ill.up, ill.last_success) == (False, clock.now - 60)
            assert await probe.step() == 0.1
    events = [(log["event"], log["log_level"]) for log in logs]
    assert events == [
        ("account_up", "info"),
        ("account_down", "warning"),
        ("account_down", "debug"),
    ]
