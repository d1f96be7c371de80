"""The jobs of an account: agents come and go, each job has its own health."""

import asyncio
import gc
import itertools
import tracemalloc
from collections.abc import Callable, Mapping

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from exporter.api.schemas import AgentRecord
from exporter.config import Account, Agent, Batches, Discover, Polling
from exporter.model import AccountSnapshot, DiscoveryHealth, PollHealth
from exporter.polling.account_probe import AccountProbe
from exporter.polling.discovery import Discovery, matching
from exporter.polling.job import Failure, Run, Success
from exporter.polling.supervisor import configured
from exporter.simulator import Account as SimulatedAccount
from tests.fake_api import Fault, Simulator, serve
from tests.fake_api import faults as f
from tests.support.builders import Clock, Surroundings, account, surroundings
from tests.support.virtual import VirtualLoop

QUICK = Polling(interval=0.05, idle_interval=0.05, timeout=5)


def names(made: Surroundings) -> dict[str, str]:
    """Return the names of the agents in the store, by id."""
    return {each.agent.agent_id: each.agent.name for each in made.store.snapshot().agents}


def discovered(made: Surroundings) -> int | None:
    """Return how many agents discovery found to match."""
    health = made.store.account("main").discovery
    assert health is not None
    return health.discovered


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the jobs have made the condition true."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def test_an_agent_without_a_name_in_the_file_has_its_id() -> None:
    made = Account("main", agents=(Agent("a", "A", {"team": "x"}), Agent("b")))
    assert [(agent.name, agent.labels) for agent in configured(made)] == [
        ("A", {"team": "x"}),
        ("b", {}),
    ]


def test_globs_match_names_and_ids() -> None:
    records = [
        AgentRecord("id-1", "test-one"),
        AgentRecord("id-2", "two"),
        AgentRecord("test-3"),
        AgentRecord("4"),
    ]

    def ids(include: str, *exclude: str) -> list[str]:
        return [each.agent_id for each in matching(records, Discover((include,), exclude))]

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
    opened = surroundings(simulator, made_account, clock=clock, polling=QUICK)
    async with opened as made:
        running = asyncio.create_task(made.supervisor.run())
        await until(lambda: names(made) == {fixed: "Fixed", first: "First", second: second})
        await until(lambda: all(each.health.up for each in made.store.snapshot().agents))
        assert discovered(made) == 3
        simulator.delete_agent(first)
        simulator.rename_agent(second, "Second")
        simulator.rename_agent(fixed, "Renamed")
        third = simulator.add_agent("Third")
        await until(lambda: names(made) == {fixed: "Fixed", second: "Second", third: "Third"})
        assert made.heartbeat.overdue() == []
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_failed_discovery_changes_nothing(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agent = simulator.add_agent("A")
    opened = surroundings(
        simulator, account(base_url, discover=Discover(interval=0.05)), clock=clock, polling=QUICK
    )
    async with opened as made:
        with capture_logs() as logs:
            handle = simulator.faults.add(Fault(path="/api/agents", effect=f.Status(500)))
            running = asyncio.create_task(made.supervisor.run())
            await until(lambda: made.store.account("main").discovery is not None)
            assert made.store.account("main").discovery == DiscoveryHealth(up=False)
            assert names(made) == {}
            handle.remove()
            await until(lambda: names(made) == {agent: "A"})
            fault = simulator.faults.add(Fault(path="/api/agents", effect=f.NotJson()))
            await until(lambda: fault.hits > 1)
            assert names(made) == {agent: "A"}
            assert discovered(made) == 1
            down = made.store.account("main").discovery
            assert down is not None
            assert (down.up, down.last_success) == (False, clock.now)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    events = [
        (log["event"], log.get("reason"))
        for log in logs
        if log["event"].startswith("agent_discovery") and log["log_level"] != "debug"
    ]
    assert events == [
        ("agent_discovery_failed", "status"),
        ("agent_discovery_recovered", None),
        ("agent_discovery_failed", "payload"),
    ]


async def test_many_agents_are_all_discovered_over_pages(clock: Clock) -> None:
    simulator = Simulator(SimulatedAccount(name="many"), clock=clock)
    made_ids = {simulator.add_agent() for _ in range(230)}
    async with serve(simulator) as base_url:
        opened = surroundings(simulator, account(base_url, discover=Discover()), clock=clock)
        async with opened as made:
            running = asyncio.create_task(made.supervisor.run())
            await until(lambda: set(names(made)) == made_ids)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


class Ages:
    """The ages of some agents' data, in seconds, and the failures of their polls."""

    def __init__(self) -> None:
        self.oldest = 0.0
        self.failures: list[Mapping[str, int]] = []
        self.polls: list[int] = []


async def polls_while_others_hang(
    loop: VirtualLoop, agents: int, healthy: int, calm: float, effect: f.Effect
) -> Ages:
    """Let all but some agents hang after `calm` seconds, for 25 minutes; return the ages of these.

    The settings are the defaults.
    """
    simulator = Simulator(SimulatedAccount(name="hanging"), clock=loop.wall_clock)
    ids = [simulator.add_agent() for _ in range(agents)]
    for agent in ids:
        simulator.create(agent)
    # The healthy agents come last, behind all the others.
    good, ages, polling = ids[-healthy:], Ages(), Polling()
    async with serve(simulator) as base_url:
        watched = replace(account(base_url, *ids), requests_per_second=5.0)
        opened = surroundings(simulator, watched, clock=loop.wall_clock, polling=polling)
        async with opened as made:
            running = asyncio.create_task(made.supervisor.run())
            await asyncio.sleep(calm)
            for agent in ids[:-healthy]:
                simulator.faults.add(Fault(effect=effect, agent_id=agent))
            for _ in range(150):
                await asyncio.sleep(10)
                health = [made.store.agent(("main", agent)).health for agent in good]
                successes = [
                    each.last_success or loop.wall_clock() - loop.time() for each in health
                ]
                ages.oldest = max(ages.oldest, loop.wall_clock() - min(successes))
            health = [made.store.agent(("main", agent)).health for agent in good]
            ages.failures = [each.failures for each in health]
            ages.polls = [each.polls for each in health]
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    return ages


@pytest.mark.parametrize(
    ("calm", "effect"), [(0.0, f.HangInBody()), (300.0, f.Hang())], ids=["from the start", "later"]
)
def test_agents_that_hang_do_not_hold_up_the_others(calm: float, effect: f.Effect) -> None:
    """98 of 100 begin to hang at once. The data of the two others are never near `stale_after`."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        ages = runner.run(polls_while_others_hang(loop, 100, 2, calm, effect))
    assert ages.failures == [{}, {}]
    assert ages.oldest < 200
    # One round of all agents while they begin to hang takes 2 minutes; then the interval is 30 s.
    assert min(ages.polls) > (1500 + calm - 300) / 30


async def test_a_job_that_crashes_affects_no_other_and_goes_on(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """An agent whose poll raises what nobody expects is down; another agent, and the probe, are up.

    Settings have types that no configuration has: with them, code raises a TypeError for some
    batches of one agent, and for call status.
    """
    bad, good = simulator.add_agent(), simulator.add_agent()
    batch = simulator.create(bad, ended_at=clock.now)
    wrong = Batches(keep_ended="6h", outcomes=True, max_per_agent="all")  # type: ignore[arg-type]  # see above
    opened = surroundings(
        simulator, account(base_url, bad, good), clock=clock, polling=QUICK, batches=wrong
    )
    with capture_logs() as logs:
        async with opened as made:

            def health(agent: str) -> PollHealth:
                return made.store.agent(("main", agent)).health

            running = asyncio.create_task(made.supervisor.run())
            await until(lambda: health(bad).polls > 2 and health(good).polls > 2)
            assert health(bad).up is False
            assert health(bad).failures == {"payload": health(bad).polls}
            assert health(bad).last_success is None
            assert (health(good).up, health(good).failures) == (True, {})
            assert made.store.account("main").up
            simulator.delete(batch)
            await until(lambda: health(bad).up is True)
            assert made.heartbeat.overdue() == []
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    crashes = [log for log in logs if log["event"] == "job_crashed" and log["log_level"] == "error"]
    assert {log["job"] for log in crashes} == {f"agent main/{bad}", "call status main"}
    assert {type(log["exc_info"]) for log in crashes} == {TypeError}
    (failed,) = [log for log in logs if log["event"] == "agent_poll_failed"][:1]
    assert (failed["log_level"], failed["agent_id"], failed["reason"]) == (
        *("warning", bad, "payload"),
    )


async def failing_polls(loop: VirtualLoop, effect: f.Effect) -> int:
    """Let the polls of 20 agents fail, and return the bytes that the process then keeps."""
    simulator = Simulator(SimulatedAccount(name="failing"), clock=loop.wall_clock)
    agents = [simulator.add_agent() for _ in range(20)]
    simulator.create(agents[0])
    simulator.faults.add(Fault(effect=effect))
    async with serve(simulator) as base_url:
        watched = account(base_url, *agents)
        async with surroundings(simulator, watched, clock=loop.wall_clock) as made:
            tracemalloc.start()
            running = asyncio.create_task(made.supervisor.run())
            while any(each.health.polls < 1 for each in made.store.snapshot().agents):
                await asyncio.sleep(0.1)
            kept, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert not any(each.health.up for each in made.store.snapshot().agents)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    return kept


@pytest.mark.parametrize(
    "effect",
    [
        f.Huge(5),
        f.Replace({"results": 7, "x": "y" * 2**20}),
        f.Replace({"results": [{}], "x": "y" * 2**20}),
    ],
    ids=["too large", "no page", "no record"],
)
def test_a_failure_keeps_nothing_of_the_body(effect: f.Effect) -> None:
    """A job keeps its last error until the next run; its traceback must not keep the body."""
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            loop = runner.get_loop()
            assert isinstance(loop, VirtualLoop)
            assert runner.run(failing_polls(loop, effect)) < 8 * 2**20
    finally:
        gc.enable()


async def test_a_probe_that_crashes_shows_the_account_down(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """The wall clock raises once, when the probe reads it."""
    reads = itertools.count()

    def broken_once() -> float:
        if next(reads) == 0:
            raise OSError
        return clock.now

    opened = surroundings(simulator, account(base_url), clock=broken_once, polling=QUICK)
    async with opened as made:
        running = asyncio.create_task(made.supervisor.run())
        await until(lambda: made.store.account("main").up is False)
        await until(lambda: made.store.account("main").up is True)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_too_many_agents_for_the_rate_limit_are_one_warning(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """The warning comes again only after the agents were few enough in between."""
    limited = Account("main", base_url=base_url, requests_per_second=0.51, api_key_env="KEY")
    fixed = replace(limited, agents=tuple(Agent(f"a{n}") for n in range(14)))
    with capture_logs() as logs:
        async with surroundings(simulator, fixed, clock=clock) as made:
            running = asyncio.create_task(made.supervisor.run())
            await until(lambda: made.store.account("main").up is not None)
            for agents in (1, 2, 0, 1):
                made.supervisor.update_agents([AgentRecord(f"b{n}") for n in range(agents)])
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    warnings = [log for log in logs if log["event"] == "rate_limit_exceeded_by_plan"]
    assert [(log["agents"], log["requests_per_second"]) for log in warnings] == [(15, 0.51)] * 2


async def test_an_agent_whose_id_is_not_one_segment_of_a_path_is_skipped_with_one_warning(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """The others are polled. An id that comes back after it was gone is reported once more."""
    bad = ["..", ".", "a/b", "a?b", "a b", "a%2Fb", "a\x1b"]
    with capture_logs() as logs:
        async with surroundings(simulator, account(base_url), clock=clock) as made:
            running = asyncio.create_task(made.supervisor.run())
            await until(lambda: made.store.account("main").up is not None)
            for ids in ([*bad, "good"], [*bad, "good"], ["good"], ["..", "good"]):
                made.supervisor.update_agents([AgentRecord(each) for each in ids])
                assert [*names(made)] == ["good"]
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    warnings = [log for log in logs if log["event"] == "agent_skipped"]
    assert [log["agent_id"] for log in warnings] == [*sorted(bad), ".."]
    assert {(log["log_level"], log["account"]) for log in warnings} == {("warning", "main")}


async def test_an_include_glob_without_a_match_is_one_warning(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    simulator.add_agent("Renewals")
    discover = Discover(include=("Ren*", "Win-back"), interval=0.05)
    opened = surroundings(simulator, account(base_url, discover=discover), clock=clock)
    async with opened as made:
        discovery = Discovery(made.access, discover, made.config.polling, lambda _: None)
        with capture_logs() as logs:
            await discovery.run_once(Run())
            await discovery.run_once(Run())
            simulator.add_agent("Win-back")
            assert await discovery.run_once(Run()) == Success(0.05, {"agents": 2, "matching": 2})
        health = made.store.account("main").discovery
    assert health is not None
    assert health.included == {"Ren*": 1, "Win-back": 1}
    warnings = [log["include"] for log in logs if log["event"] == "include_glob_unmatched"]
    assert warnings == ["Win-back"]


async def test_the_probe_shows_whether_the_key_works(clock: Clock) -> None:
    simulated = SimulatedAccount(
        name="x", active_calls=7, allowed_concurrent_calls=25, subscription_expiration=3600.0
    )
    simulator = Simulator(simulated, clock=clock)
    async with (
        serve(simulator) as url,
        surroundings(simulator, account(url), clock=clock, polling=QUICK) as made,
    ):
        probe = AccountProbe(made.access, made.config.polling)
        assert await probe.run_once(Run()) == Success(0.05)
        up = AccountSnapshot(
            "main",
            1000.0,
            up=True,
            last_success=clock.now,
            active_calls=7,
            allowed_calls=25,
            subscription_expiration=clock.now + 3600,
        )
        assert made.store.account("main") == up
        unreadable = Fault(effect=f.WrongType("subscriptionExpiration", "soon"))
        simulator.faults.add(unreadable)
        assert await probe.run_once(Run()) == Success(0.05)
        up = replace(up, subscription_expiration=None)
        assert made.store.account("main") == up
        simulator.faults.add(Fault(effect=f.Status(401)))
        clock.now += 60
        outcome = await probe.run_once(Run())
        assert isinstance(outcome, Failure)
        assert (outcome.interval, outcome.error.reason) == (0.05, "auth")
        assert made.store.account("main") == replace(up, up=False)


async def test_a_rejected_key_is_one_warning_of_the_account(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agents = [simulator.add_agent() for _ in range(3)]
    simulator.faults.add(Fault(effect=f.Status(403)))
    with capture_logs() as logs:
        async with surroundings(simulator, account(base_url, *agents), clock=clock) as made:
            running = asyncio.create_task(made.supervisor.run())
            await until(
                lambda: all(each.health.up is False for each in made.store.snapshot().agents)
            )
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["api_key_rejected"]


AGENT_LISTS: list[tuple[f.Effect, str | None]] = [
    (f.Replace({"results": [], "total": 4}), "payload"),
    (f.WithoutNext(), "payload"),
    (f.WrongType("agentId", 7), "payload"),
    (f.WrongType("name", "\ud800", 0), None),
    (f.WrongType("name", 7, 0), None),
    (f.WrongType("agentId", 7, 0), None),
]


@pytest.mark.parametrize(("effect", "reason"), AGENT_LISTS, ids=lambda value: repr(value)[:30])
async def test_a_broken_list_of_agents_removes_none(
    simulator: Simulator, base_url: str, clock: Clock, effect: f.Effect, reason: str | None
) -> None:
    """An agent whose record can't be read stays as it was known."""
    agents = {simulator.add_agent(f"Agent {n}") for n in range(120)}
    discover = Discover(interval=0.05)
    opened = surroundings(simulator, account(base_url, discover=discover), clock=clock)
    async with opened as made:
        listed: list[set[str]] = []
        discovery = Discovery(
            made.access,
            discover,
            made.config.polling,
            lambda found: listed.append({each.agent_id for each in found}),
        )
        await discovery.run_once(Run())
        simulator.faults.add(Fault(path="/api/agents", effect=effect))
        outcome = await discovery.run_once(Run())
        simulator.faults.clear()
        simulator.faults.add(Fault(path="/api/agents", effect=f.Replace({"results": []})))
        await discovery.run_once(Run())
    assert isinstance(outcome, Failure) == (reason is not None)
    assert not isinstance(outcome, Failure) or outcome.error.reason == reason
    assert listed == [agents] * (1 if reason else 2) + [set()]


async def test_an_unreadable_agent_that_is_not_known_is_skipped_and_logged(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    agents = [simulator.add_agent(f"Agent {n}") for n in range(3)]
    discover = Discover(interval=0.05)
    opened = surroundings(simulator, account(base_url, discover=discover), clock=clock)
    async with opened as made:
        discovery = Discovery(made.access, discover, made.config.polling, lambda _: None)
        handle = simulator.faults.add(Fault(path="/api/agents", effect=f.WrongType("name", 7, 1)))
        with capture_logs() as logs:
            assert await discovery.run_once(Run()) == Success(0.05, {"agents": 2, "matching": 2})
            await discovery.run_once(Run())
            handle.remove()
            assert await discovery.run_once(Run()) == Success(0.05, {"agents": 3, "matching": 3})
    (unreadable,) = {*agents} & {str(log.get("problems", "")).partition(":")[0] for log in logs}
    assert logs == [
        {
            "event": "agent_records_unreadable",
            "log_level": "warning",
            "account": "main",
            "records": 1,
            "problems": f"{unreadable}: name: Expected `str | null`, got `int`",
        },
        {"event": "agent_records_recovered", "log_level": "info", "account": "main"},
    ]
