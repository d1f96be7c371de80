"""A day with faults: what is served is true all the time, and nothing is left behind at its end.

Memory does not grow, every agent is up at the end, and each served sample is what the API said at
the time of the agent's last successful poll.

Run as a program with the path of a key file to write, this module runs that day in a process of its
own, exporter and simulator on one event loop with virtual time, and prints its findings as JSON.
"""

import asyncio
import gc
import itertools
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import NamedTuple, get_args

import aiohttp
import msgspec
import pytest
from aiohttp import hdrs

from exporter import app
from exporter.config import Account, Agent, Batches, Config, Discover, Polling, read_key
from exporter.log import LogFormat, Redactor, configure
from exporter.simulator import Account as SimulatedAccount
from exporter.simulator import Agent as SimulatedAgent
from exporter.simulator.model import seeded_random
from exporter.simulator.records import batch_record
from exporter.web.address import Address
from tests.fake_api import Fault, Simulator, responses, serve
from tests.fake_api import faults as f
from tests.support import truth
from tests.support.history import History, Rules, health_of
from tests.support.process import samples
from tests.support.virtual import VirtualLoop

MINUTE, HOUR = 60.0, 3600.0
HOURS = 24

CALM = (0, 5, 11, 17, 23)
"""Hours without faults: the first, and each sixth. The day ends with the last of them."""

LAST_NEWS = HOURS - 0.75
"""The hour after which nothing changes any more: a full listing comes before the end."""

EARLY, SETTLED = 1, 6
"""Hours after which memory and tasks are counted. By the second of them, ended batches are being
dropped, and nearly every label of a fault has occurred."""

POLLING = Polling(
    interval=90.0,
    idle_interval=300.0,
    timeout=100.0,
    full_listing_interval=1800.0,
    stale_after=600.0,
)
BATCHES = Batches(keep_ended=HOUR, outcomes=True, outcomes_interval=0.5 * HOUR)

RULES = Rules(
    stale_after=POLLING.stale_after,
    full_listing_interval=POLLING.full_listing_interval,
    keep_ended=BATCHES.keep_ended,
    longest_poll=2 * POLLING.timeout,
)

CONFIGURED = ("history", "nameless")
BUSY = ("history", "nameless", "bare", "sales")
"""Agents that make calls all day. Another one is idle, and each hour one is created and deleted."""

LIVE, ENDED, OLD = 3, 8, 200
"""Live batches of a busy agent, its ended batches that are not deleted yet, and the batches of the
agent `history` that ended before the day."""

CALLS = 200
"""Calls of a batch."""

PAGE = 50
"""Records of a page: the listing of `history` has five pages."""

BLOCKS_PER_POLL = 0.75
"""Blocks of memory that one poll may leave behind from `SETTLED` on: Python's own count of its
pieces of up to 512 bytes. There are about 2,400 polls: a leak of one small object per poll is 2,400
blocks, and the bound is 1,800. Without a leak there are 400 to 700 more, since some labels occur
for the first time, and the number of batches varies. Four days do not add more."""

PEAK = 16 * 2**20
"""Bytes by which the peak of memory may rise from `SETTLED` on. It covers objects larger than a
block: the bodies of listings, 8 KiB each, are 19 MiB. Without a leak it rises by 2 to 6 MiB."""

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system counts `ru_maxrss`."""

CONNECTIONS = 4
"""Connections of the exporter to the API at most; both ends of each are files of this process."""

ROOT = Path(__file__).parents[2]


class Moment(msgspec.Struct, frozen=True):
    """The state of the process after an hour without faults, and its exposition then.

    `blocks` are Python's small pieces of memory after a garbage collection, `peak` is in bytes,
    `tasks` are counted by coroutine.
    """

    blocks: int
    peak: int
    files: int
    tasks: dict[str, int]
    page: str


class Day(msgspec.Struct, frozen=True):
    """A day: `moments` by hour, and the number of answers of `/-/healthy` by status.

    `expected` are the series of the simulator's batches at the end. `faults` counts the faults that
    affected a request, `unused` are the kinds that affected none, `tasks_at_end` are the tasks that
    still run when all should have ended. `compared` counts the samples that were compared with what
    the API said, `stale` how often an agent's data were absent.
    """

    moments: dict[int, Moment]
    healthy: dict[int, int]
    expected: dict[str, float]
    requests: int
    faults: int
    unused: list[str]
    compared: int
    stale: int
    tasks_at_end: list[str]


def test_after_a_day_of_faults_memory_has_not_grown_and_every_agent_is_up(tmp_path: Path) -> None:
    """The series are those of the simulator's batches; no task, connection or file remains."""
    day, log = run_day(tmp_path / "key")
    early, settled, end = (day.moments[hour] for hour in (EARLY, SETTLED, HOURS))
    then, now = samples(settled.page), samples(end.page)

    assert {*labelled(now, "ultravox_agent_up", "agent_id")} == {*BUSY, "idle"}
    for metric in ("agent_up", "account_up", "account_discovery_up"):
        assert {value for key, value in now.items() if key.startswith(f"ultravox_{metric}{{")} == {
            1
        }
    compared = compared_metrics(day.expected)
    served = {key: value for key, value in now.items() if key.startswith(compared)}
    assert served == pytest.approx(day.expected, rel=0, abs=0.01)
    assert {*day.healthy} == {200}

    # The faults affected requests.
    assert day.faults > 100
    assert day.unused == []
    assert day.compared > 30_000
    assert day.stale > 10
    assert len(+labelled(now, "ultravox_agent_poll_failures_total", "reason")) >= 6, now
    assert len(+labelled(now, "ultravox_exporter_api_retries_total", "reason")) >= 4, now

    polls = polled(now) - polled(then)
    assert polls > 1000
    assert end.blocks - settled.blocks < BLOCKS_PER_POLL * polls
    assert end.peak - settled.peak < PEAK
    assert end.files <= early.files + 2 * CONNECTIONS
    assert end.tasks == early.tasks
    assert not day.tasks_at_end
    severe = ("level=error", "level=critical")
    assert [line for line in log.splitlines() if any(each in line for each in severe)] == []


def run_day(key_file: Path) -> tuple[Day, str]:
    """Run a day in a process of its own; return its findings, and its log."""
    # A process inherits the peak of memory of its parent, so a shell is its parent.
    program = ("/bin/sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-m", __name__)
    process = subprocess.run((*program, key_file), cwd=ROOT, capture_output=True, check=False)
    log = process.stderr.decode()
    assert process.returncode == 0, log[-5000:]
    return msgspec.json.decode(process.stdout, type=Day), log


def labelled(found: Mapping[str, float], metric: str, label: str) -> Counter[str]:
    """Return the sums of a metric's series by the value of a label."""
    sums: Counter[str] = Counter()
    for key, value in found.items():
        if key.startswith(metric + "{"):
            sums[key.partition(f'{label}="')[2].partition('"')[0]] += int(value)
    return sums


def polled(found: Mapping[str, float]) -> int:
    """Return the number of polls of the agents that stay all day."""
    polls = labelled(found, "ultravox_agent_polls_total", "agent_id")
    return sum(polls[agent] for agent in (*BUSY, "idle"))


def compared_metrics(expected: Mapping[str, float]) -> tuple[str, ...]:
    """Return the beginnings of the series that are compared with the simulator."""
    return tuple({key.partition("{")[0] + "{" for key in expected})


def next_calm(now: float) -> float:
    """Return when the next hour without faults begins, `now` or earlier within one (loop time)."""
    return min((hour * HOUR for hour in CALM if now < (hour + 1) * HOUR), default=HOURS * HOUR)


class World:
    """The simulated account and its changes. `requests` counts the requests that it received."""

    def __init__(self, loop: VirtualLoop, key_file: Path) -> None:
        agents = (
            *(SimulatedAgent(agent_id=each, name=each) for each in ("history", "sales", "idle")),
            SimulatedAgent(agent_id="nameless"),
            SimulatedAgent(agent_id="bare", name="bare", bare_pages=True),
        )
        account = SimulatedAccount(name="day", agents=agents, active_calls=3)
        self.simulator = Simulator(account, clock=loop.wall_clock, max_page_size=PAGE)
        self.requests = 0
        self._loop = loop
        self._key_file = key_file
        self._live: dict[str, list[str]] = {agent: [] for agent in BUSY}
        self._ended: dict[str, list[str]] = {agent: [] for agent in BUSY}
        self._calls, self._keys = seeded_random("calls"), seeded_random("keys")
        self.histories = {agent: History("main", agent) for agent in (*BUSY, "idle")}
        key_file.write_text(self.simulator.api_key)
        for index in range(OLD):
            created = loop.wall_clock() - 10 * HOUR - MINUTE * index
            self.simulator.create("history", created=created, ended_at=created + HOUR)

    async def make_calls(self) -> None:
        """Make calls once a minute; create and delete one agent in each hour."""
        for minute in itertools.count():
            self.requests += len(self.simulator.requests)
            self.simulator.requests.clear()
            for history in self.histories.values():
                history.forget(self._loop.wall_clock())
            if self._loop.time() < LAST_NEWS * HOUR:
                for agent in BUSY:
                    self.call(agent)
                guest = f"guest-{minute // 60}"
                if minute % 60 == 5:
                    self.simulator.create(self.simulator.add_agent("guest", guest))
                if minute % 60 == 14:
                    self.simulator.delete_agent(guest)
            await asyncio.sleep(MINUTE)

    def call(self, agent: str) -> None:
        """Make some of an agent's calls. Batches are created, end, or are deleted while live."""
        live, ended = self._live[agent], self._ended[agent]
        if len(live) < LIVE:
            live.append(self._create(agent))
        for batch in tuple(live):
            made = self.simulator.batch(agent, batch).completed_count + self._calls.randrange(10)
            self.simulator.update(batch, completed_count=min(made, CALLS))
            if made >= CALLS:
                self.simulator.update(batch, ended_at=self._loop.wall_clock())
                live.remove(batch)
                ended.append(batch)
            self._note(agent, batch)
        if len(ended) > ENDED:
            self._delete(agent, ended.pop(self._calls.randrange(ENDED)))
        if live and self._calls.random() < 0.01:
            self._delete(agent, live.pop())

    def _create(self, agent: str) -> str:
        """Create a batch whose window ends with the 59th second of a minute."""
        now = self._loop.wall_clock()
        end = (now + self._calls.uniform(0.5, 2.0) * HOUR) // MINUTE * MINUTE + 59
        batch = self.simulator.create(agent, total_count=CALLS, window_end=end)
        self._note(agent, batch)
        return batch

    def _note(self, agent: str, batch: str) -> None:
        record = batch_record(self.simulator.batch(agent, batch))
        self.histories[agent].note(batch, record, self._loop.wall_clock())

    def _delete(self, agent: str, batch: str) -> None:
        self.simulator.delete(batch)
        self.histories[agent].note(batch, None, self._loop.wall_clock())

    async def change_keys(self) -> None:
        """Change the API's key from time to time, and the key file a little later."""
        for number in itertools.count():
            await asyncio.sleep(self._keys.uniform(0.5, 1.5) * HOUR)
            now = self._loop.time()
            if now < next_calm(now) - 0.1 * HOUR:
                self.simulator.api_key = f"key-number-{number:04}"
                await asyncio.sleep(self._keys.uniform(0.0, 0.1) * HOUR)
                self._key_file.write_text(self.simulator.api_key)

    def series(self) -> dict[str, float]:
        """Return the expected series of the account's batches at this time."""
        now = self._loop.wall_clock()
        series: dict[str, float] = {}
        for agent in (row["agentId"] for row in self.simulator.agents()):
            rows = truth.kept(self.simulator.batches(agent), now, BATCHES.keep_ended)
            series |= truth.agent_sums("main", agent, rows, now)
            for row in rows:
                series |= truth.batch_series("main", agent, row, now)
        return series


class Trouble:
    """Adds and removes faults outside of the hours without faults, one at a time.

    `struck` counts the faults that affected a request, by the number of their kind.
    """

    def __init__(self, loop: VirtualLoop, world: World, seed: str) -> None:
        self._loop = loop
        self._world = world
        self._rng = seeded_random(seed)
        self.kinds = kinds(world, seed)
        self.struck: Counter[int] = Counter()

    async def make(self) -> None:
        """Add every fault, one after the other in random order, until cancelled."""
        while True:
            for index in self._rng.sample(range(len(self.kinds)), len(self.kinds)):
                await self._strike(index)
                await asyncio.sleep(self._rng.uniform(0.0, 120.0))

    async def _strike(self, index: int) -> None:
        while (until := next_calm(self._loop.time())) <= self._loop.time():
            await asyncio.sleep(until + HOUR - self._loop.time())
        kind = self.kinds[index]
        path, agent = self._rng.choice(kind.targets)
        times = self._rng.choice((1, None, None))
        fault = Fault(effect=kind.effect(), path=path, agent_id=agent, times=times)
        handle = self._world.simulator.faults.add(fault)
        ends = self._loop.time() + self._rng.uniform(20.0, 600.0)
        while (now := self._loop.time()) < until and (now < ends or not handle.hits):
            await asyncio.sleep(min(10.0, until - now))
        handle.remove()
        self.struck[index] += bool(handle.hits)


LISTING = "/api/agents/*/scheduled_batches"
CALL_STATUS = f"{LISTING}/*/scheduled_calls"

Target = tuple[str, str | None]
"""The path and the agent of a fault."""

LISTINGS: tuple[Target, ...] = (*((LISTING, agent) for agent in BUSY), *[(LISTING, None)] * 4)
SHORT: tuple[Target, ...] = tuple((LISTING, agent) for agent in BUSY[1:])
"""Agents whose listing is one page: where the order changes between two pages, a cursor names
other records, and the answers are wrong."""
DISCOVERY: tuple[Target, ...] = (("/api/agents", None),)
ACCOUNT_PROBE: tuple[Target, ...] = (("/api/accounts/me", None),)
STATUS: tuple[Target, ...] = ((CALL_STATUS, None),)
ANY: tuple[Target, ...] = (*LISTINGS, *[("*", None)] * 2, *DISCOVERY, *STATUS)
"""An entry that is repeated is chosen more often."""

ZONELESS = "2025-03-22T15:48:32"
LONG_AGO = "Mon, 01 Jan 0001 00:00:00 +2359"
FAR = "Mon, 99999999999999999999 Jan 2024 00:00:00 GMT"
NINES = "9" * 30


class Kind(NamedTuple):
    """A fault: its effect, made anew each time, and where it may be."""

    effect: Callable[[], f.Effect]
    targets: tuple[Target, ...]


def kinds(world: World, seed: str) -> tuple[Kind, ...]:
    """Return all faults. None of them is a valid answer that is not true."""
    return (
        *(Kind(partial(_same, effect), ANY) for effect in ANYWHERE),
        *(Kind(partial(_same, effect), LISTINGS) for effect in IN_LISTINGS),
        *(Kind(partial(_same, effect), DISCOVERY) for effect in IN_DISCOVERY),
        *(Kind(partial(_same, effect), STATUS) for effect in IN_CALL_STATUS),
        # The server's `Date` is the real time, so the date is made when the fault is added.
        Kind(lambda: f.Status(429, formatdate(time.time() + 90.0, usegmt=True)), ANY),
        Kind(f.OldestFirst, SHORT),
        *(
            Kind(partial(hook, partial(world.call, BUSY[0])), LISTINGS)
            for hook in (f.Before, f.After)
        ),
        *(
            Kind(partial(_same, random_responses(seed, record, page=page)), targets)
            for record, page, targets in (
                (responses.AGENT, True, LISTINGS),
                (responses.BATCH, True, DISCOVERY),
                (responses.AGENT, True, STATUS),
                (responses.ACCOUNT, False, ACCOUNT_PROBE),
            )
        ),
    )


def _same(effect: f.Effect) -> f.Effect:
    return effect


def random_responses(seed: str, record: dict[str, object], *, page: bool) -> f.Raw:
    """Return a fault with random responses.

    A page has records of another kind: so none of them can be read, and no page is a valid one.
    """
    made = responses.Responses(len(seed), empty_pages=False)
    return f.Raw(lambda: made.next(record, page=page))


ANYWHERE: tuple[f.Effect, ...] = (
    *(f.Status(status) for status in (401, 402, 403, 404, 429, 500, 502, 503, 504)),
    *(f.Status(429, retry_after=wait) for wait in (5, 1000, "soon", "-1", NINES, LONG_AGO, FAR)),
    *(f.Status(503, retry_after=wait) for wait in (20, 200)),
    *(f.Replace(b""), f.Replace([]), f.Replace({"results": None}), f.NotJson()),
    *(f.Redirect("http://127.0.0.1:9/"), f.Headers((("Content-Encoding", "br"),))),
    f.Headers((("Date", FAR), ("Retry-After", NINES))),
    *(f.Headers((("X-Policy", "x" * size),)) for size in (9_000, 70_000)),
    *(f.CutBody(), f.Reset(), f.CorruptGzip(), f.CorruptGzip(garbage=True)),
    *(f.Hang(), f.HangInBody(), f.Delay(1.0), f.Delay(30.0), f.Delay(60.0)),
)
IN_LISTINGS: tuple[f.Effect, ...] = (
    *(f.Replace({"results": [], "total": 4}), f.Respelled()),
    *(f.WrongType("created", "yesterday"), f.WrongType("totalCount", -1), f.Missing("endedAt")),
    *(f.WrongType(name, ZONELESS, 0) for name in ("created", "windowEnd")),
    *(
        f.WrongType("completedCount", 1.5, 0),
        f.Missing("totalCount", 0),
        f.WrongType("x", "\ud800"),
    ),
    *(f.ForeignNext("http://127.0.0.1:9"), f.RepeatNext(), f.EmptyNext(), f.NoLinks(), f.NoTotal()),
    *(f.WithoutNext(), f.Huge(1), f.Huge(9), f.Bomb(3), f.Bomb(1000)),
)
IN_DISCOVERY: tuple[f.Effect, ...] = (
    *(f.Replace({"results": [], "total": 4}), f.WrongType("agentId", 7), f.WrongType("name", 7, 0)),
    *(f.WrongType("name", "\ud800 x"), f.Missing("agentId"), f.NoTotal(), f.Bomb(1000)),
)
IN_CALL_STATUS: tuple[f.Effect, ...] = (
    *(f.Replace({"results": [], "total": total}) for total in (-1, "7", 10**6, None)),
    *(f.NoTotal(), f.Replace({"total": 3}), f.Bomb(1000)),
)


async def live(loop: VirtualLoop, key_file: Path) -> Day:
    """Run a day of virtual time."""
    world = World(loop, key_file)
    troubles = [Trouble(loop, world, seed) for seed in ("one", "another")]
    redactor = Redactor()
    configure("info", LogFormat.LOGFMT, redactor)
    listening: asyncio.Future[list[Address]] = loop.create_future()
    async with serve(world.simulator) as base_url, asyncio.TaskGroup() as tasks:
        account = Account(
            "main",
            base_url,
            requests_per_second=20.0,
            api_key_file=str(key_file),
            agents=tuple(Agent(agent) for agent in CONFIGURED),
            discover=Discover(interval=300.0),
        )
        key = read_key(account, {}, lambda secret: redactor.add(secret.reveal()))
        options = app.Options(
            (Address("127.0.0.1", 0),), clock=loop.wall_clock, on_listening=listening.set_result
        )
        running = [
            tasks.create_task(
                app.run(Config((account,), POLLING, BATCHES), {"main": key}, options)
            ),
            tasks.create_task(world.make_calls()),
            tasks.create_task(world.change_keys()),
            *(tasks.create_task(trouble.make()) for trouble in troubles),
        ]
        watcher = Watcher(loop, world)
        await watcher.watch((await listening)[0])
        expected = world.series()
        for task in running:
            task.cancel()
    tasks_at_end = [str(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]
    struck = sum((trouble.struck for trouble in troubles), Counter[int]())
    effects = [kind.effect() for kind in troubles[0].kinds]
    unused = [repr(each)[:60] for index, each in enumerate(effects) if not struck[index]]
    unused += [each.__name__ for each in get_args(f.Effect) if each not in set(map(type, effects))]
    return Day(
        moments=watcher.moments,
        healthy=dict(watcher.healthy),
        expected=expected,
        requests=world.requests,
        faults=struck.total(),
        unused=unused,
        compared=watcher.compared,
        stale=watcher.stale,
        tasks_at_end=tasks_at_end,
    )


class Watcher:
    """Asks for the health every 2 minutes and for the metrics every 10, until the day ends.

    `moments` are by hour, `healthy` counts the answers of `/-/healthy` by status.
    """

    def __init__(self, loop: VirtualLoop, world: World) -> None:
        self._loop = loop
        self._world = world
        self.moments: dict[int, Moment] = {}
        self.healthy: Counter[int] = Counter()
        self.compared = 0
        self.stale = 0

    async def watch(self, address: Address) -> None:
        """Watch until the day ends."""
        async with aiohttp.ClientSession(f"http://{address}") as session:
            for minute in range(2, HOURS * 60 + 1, 2):
                await asyncio.sleep(minute * MINUTE - self._loop.time())
                async with session.get("/-/healthy") as response:
                    self.healthy[response.status] += 1
                if minute % 10 == 0:
                    page = await scrape(session)
                    self._compare(page)
                    if minute in (EARLY * 60, SETTLED * 60, HOURS * 60):
                        self.moments[minute // 60] = moment(page)

    def _compare(self, page: str) -> None:
        """Compare each sample of the batches, and each sum, with what the API said at its time."""
        found, now = samples(page), self._loop.wall_clock()
        for agent, history in self._world.histories.items():
            health = health_of(found, "main", agent)
            compared = history.check(found, health, now, RULES)
            self.compared += compared
            self.stale += health.last_success is not None and not compared


async def scrape(session: aiohttp.ClientSession) -> str:
    """Return the exposition, not compressed: virtual time does not wait for a thread."""
    async with session.get("/metrics", headers={hdrs.ACCEPT_ENCODING: "identity"}) as response:
        return await response.text()


def moment(page: str) -> Moment:
    """Return the state of the process."""
    gc.collect()
    names = (getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks())
    tasks = Counter(name for name in names if name != "RequestHandler.start")
    return Moment(
        blocks=sys.getallocatedblocks(),
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT,
        files=len(list(Path("/dev/fd").iterdir())),
        tasks=dict(tasks),
        page=page,
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        running_on = runner.get_loop()
        assert isinstance(running_on, VirtualLoop)
        seen = runner.run(live(running_on, Path(sys.argv[1])))
    sys.stdout.buffer.write(msgspec.json.encode(seen))
