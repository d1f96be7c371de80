"""A day with faults leaves nothing behind: memory does not grow, and every agent is up at its end.

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
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path

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
from exporter.web.address import Address
from tests.fake_api import Fault, Simulator, serve
from tests.fake_api import faults as f
from tests.support import truth
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
BATCHES = Batches(keep_ended=HOUR, outcomes=True, outcomes_interval=HOUR)

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
    affected a request, `tasks_at_end` are the tasks that still run when all should have ended.
    """

    moments: dict[int, Moment]
    healthy: dict[int, int]
    expected: dict[str, float]
    requests: int
    faults: int
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
    assert len(+labelled(now, "ultravox_agent_poll_failures_total", "reason")) >= 6, now
    assert len(+labelled(now, "ultravox_exporter_api_retries_total", "reason")) >= 4, now

    polls = polled(now) - polled(then)
    assert polls > 1000
    assert end.blocks - settled.blocks < BLOCKS_PER_POLL * polls
    assert end.peak - settled.peak < PEAK
    assert end.files <= early.files + 2 * CONNECTIONS
    assert end.tasks == early.tasks
    assert not day.tasks_at_end
    assert "level=error" not in log
    assert "level=critical" not in log


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
        key_file.write_text(self.simulator.api_key)
        for index in range(OLD):
            created = loop.wall_clock() - 10 * HOUR - MINUTE * index
            self.simulator.create("history", created=created, ended_at=created + HOUR)

    async def make_calls(self) -> None:
        """Make calls once a minute; create and delete one agent in each hour."""
        for minute in itertools.count():
            self.requests += len(self.simulator.requests)
            self.simulator.requests.clear()
            if self._loop.time() < LAST_NEWS * HOUR:
                for agent in BUSY:
                    self._call(agent)
                guest = f"guest-{minute // 60}"
                if minute % 60 == 5:
                    self.simulator.create(self.simulator.add_agent("guest", guest))
                if minute % 60 == 14:
                    self.simulator.delete_agent(guest)
            await asyncio.sleep(MINUTE)

    def _call(self, agent: str) -> None:
        """Make some of an agent's calls. Batches are created, end, or are deleted while live."""
        live, ended = self._live[agent], self._ended[agent]
        if len(live) < LIVE:
            live.append(self.simulator.create(agent, total_count=CALLS))
        for batch in tuple(live):
            made = self.simulator.batch(agent, batch).completed_count + self._calls.randrange(10)
            self.simulator.update(batch, completed_count=min(made, CALLS))
            if made >= CALLS:
                self.simulator.update(batch, ended_at=self._loop.wall_clock())
                live.remove(batch)
                ended.append(batch)
        if len(ended) > ENDED:
            self.simulator.delete(ended.pop(self._calls.randrange(ENDED)))
        if self._calls.random() < 0.01:
            self.simulator.delete(live.pop())

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

    `struck` counts the faults that affected a request.
    """

    def __init__(self, loop: VirtualLoop, simulator: Simulator, seed: str) -> None:
        self._loop = loop
        self._simulator = simulator
        self._rng = seeded_random(seed)
        self.struck = 0

    async def make(self) -> None:
        """Add every effect, one after the other in random order, until cancelled."""
        while True:
            for index in self._rng.sample(range(len(effects())), len(effects())):
                await self._strike(index)
                await asyncio.sleep(self._rng.uniform(0.0, 240.0))

    async def _strike(self, index: int) -> None:
        while (until := next_calm(self._loop.time())) <= self._loop.time():
            await asyncio.sleep(until + HOUR - self._loop.time())
        path, agent = self._rng.choice(TARGETS)
        times = self._rng.choice((1, None, None))
        fault = Fault(effect=effects()[index], path=path, agent_id=agent, times=times)
        handle = self._simulator.faults.add(fault)
        lasting = self._rng.uniform(20.0, 600.0)
        await asyncio.sleep(min(lasting, until - self._loop.time()))
        handle.remove()
        self.struck += bool(handle.hits)


LISTING = "/api/agents/*/scheduled_batches"

TARGETS = (
    *((LISTING, agent) for agent in BUSY),
    *[(LISTING, None)] * 4,
    *[("*", None)] * 2,
    ("/api/agents", None),
    (f"{LISTING}/*/scheduled_calls", None),
)
"""Paths and agents of faults; an entry that is repeated is chosen more often."""


def effects() -> tuple[f.Effect, ...]:
    """Return the effects of all faults."""
    # The server's `Date` is the real time, so the date is made when the fault is added.
    date = formatdate(time.time() + 90.0, usegmt=True)
    return (
        *(f.Status(status) for status in (401, 402, 403, 404, 429, 500, 502, 503, 504)),
        *(f.Status(429, retry_after=wait) for wait in (5, 1000, date, "soon")),
        *(f.Status(503, retry_after=wait) for wait in (20, 200)),
        *(f.Replace(b""), f.Replace([]), f.Replace({"results": None})),
        *(f.WrongType("created", "yesterday"), f.WrongType("totalCount", -1)),
        *(f.Missing("endedAt"), f.NotJson(), f.Huge(1), f.OldestFirst()),
        *(f.Redirect("http://127.0.0.1:9/"), f.ForeignNext("http://127.0.0.1:9")),
        *(f.RepeatNext(), f.EmptyNext(), f.NoLinks(), f.NoTotal()),
        *(f.CutBody(), f.Reset(), f.CorruptGzip(), f.CorruptGzip(garbage=True)),
        *(f.Hang(), f.HangInBody(), f.Delay(1.0), f.Delay(30.0), f.Delay(60.0)),
    )


async def live(loop: VirtualLoop, key_file: Path) -> Day:
    """Run a day of virtual time."""
    world = World(loop, key_file)
    troubles = [Trouble(loop, world.simulator, seed) for seed in ("one", "another")]
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
        moments, healthy = await watch(loop, (await listening)[0])
        expected = world.series()
        for task in running:
            task.cancel()
    tasks_at_end = [str(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]
    struck = sum(trouble.struck for trouble in troubles)
    return Day(moments, healthy, expected, world.requests, struck, tasks_at_end)


async def watch(loop: VirtualLoop, address: Address) -> tuple[dict[int, Moment], dict[int, int]]:
    """Ask for the health every 2 minutes and for the metrics every 10, until the day ends.

    Return the moments by hour, and the number of answers by status.
    """
    moments: dict[int, Moment] = {}
    healthy: Counter[int] = Counter()
    async with aiohttp.ClientSession(f"http://{address}") as session:
        for minute in range(2, HOURS * 60 + 1, 2):
            await asyncio.sleep(minute * MINUTE - loop.time())
            async with session.get("/-/healthy") as response:
                healthy[response.status] += 1
            if minute % 10 == 0:
                page = await scrape(session)
                if minute in (EARLY * 60, SETTLED * 60, HOURS * 60):
                    moments[minute // 60] = moment(page)
    return moments, healthy


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
