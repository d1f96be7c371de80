"""Seven hours of an account that has a batch with each problem, as the exporter serves it.

Each job of the history is the same account in another case: two replicas, a renamed agent, failing
polls.
"""

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from exporter.config import Batches, Polling
from exporter.model import (
    AccountSnapshot,
    Agent,
    AgentSnapshot,
    Batch,
    CallStatus,
    Listing,
    PollHealth,
    Snapshot,
)
from exporter.render.cache import ExpositionCache
from exporter.render.gzip_stream import inflate
from exporter.render.text import Format
from exporter.selection import SelectionSettings

END = 1_800_000_000
"""The time at which the dashboard is viewed: 2027-01-15 08:00 UTC."""

HOUR = 3600
MINUTE = 60
SCRAPE_INTERVAL = 2 * MINUTE
LENGTH = 7 * HOUR
SETTINGS = SelectionSettings(Polling(stale_after=15 * MINUTE), Batches(outcomes=True))

RENEWALS = Agent("production", "5f0c7f5e-3a51-4c4b-9b0e-2a6d1c7e9001", "Renewals")
NEW_NAME = "Renewals (EU)"
REMINDERS = Agent("production", "8d2b6c1a-77f4-4e0f-8a35-6c9e0f1b9002", "Appointment reminders")


@dataclass(frozen=True)
class Course:
    """A batch and the course that it takes; times are in hours from END.

    `window` is the start and end of its window. It completes `hourly` calls per hour until
    `stops`, and is paused from `paused` on. `ends`: it ends once all calls are completed. `errors`
    is the share of errors among the completed calls; None without call status.
    """

    batch_id: str
    agent: Agent
    calls: int
    window: tuple[float, float] | None
    hourly: float
    created: float = -6.5
    stops: float = 99.0
    paused: float | None = None
    ends: bool = False
    errors: float | None = None

    def at(self, hour: float) -> Batch | None:
        """Return the batch as the API reports it at this hour; None before it is created."""
        if hour < self.created:
            return None
        opens, closes = self.window or (self.created, 99.0)
        completed = int(self.hourly * (min(hour, self.stops, closes) - opens))
        complete_at = opens + self.calls / self.hourly if self.hourly else 99.0
        batch = Batch(
            self.batch_id,
            END + self.created * HOUR,
            self.calls,
            max(0, min(self.calls, completed)),
            paused=self.paused is not None and hour >= self.paused,
            window_start=self.window and END + opens * HOUR,
            window_end=self.window and END + closes * HOUR,
            ended=END + complete_at * HOUR if self.ends and hour >= complete_at else None,
        )
        return self._with_call_status(batch, END + hour * HOUR)

    def _with_call_status(self, batch: Batch, now: float) -> Batch:
        if self.errors is None:
            return batch
        errors = int(batch.completed * self.errors)
        calls = (batch.remaining, 0, batch.completed - errors, 0, errors)
        return msgspec.structs.replace(
            batch, call_status=CallStatus(calls, now, batch.progress_fingerprint(now))
        )


HEALTHY = Course("1b4e28ba-2fa1-4d3b-a3f5-ef19b5a70001", RENEWALS, 1200, (-5, 2), 200, errors=0.03)
STALLED = Course("2c6f39cb-30b2-4e4c-84a6-f02ac6b80002", RENEWALS, 900, (-4, 1), 180, stops=-1)
SLOW = Course(
    "3d704adc-41c3-4f5d-95b7-013bd7c90003", REMINDERS, 2000, (-5.5, 1.5), 150, errors=0.25
)
PAUSED = Course("4e815bed-52d4-406e-a6c8-124ce8da0004", REMINDERS, 400, (-3, 3), 90, -4, -2, -2)
NOT_STARTED = Course("5f926cfe-63e5-417f-b7d9-235df9eb0005", RENEWALS, 300, (-0.7, 4), 0, -2)
SCHEDULED = Course("60a37d0f-74f6-4280-88ea-346e0afc0006", REMINDERS, 500, (5, 9), 100, -1)
MISSED = Course("71b48e10-8507-4391-99fb-457f1b0d0007", REMINDERS, 700, (-6, -2), 150)
ENDED = Course("82c59f21-9618-44a2-aa0c-568a2c1e0008", RENEWALS, 450, (-6, -1), 150, ends=True)
WINDOWLESS = Course("93d6a032-a729-45b3-bb1d-679b3d2f0009", REMINDERS, 600, None, 60, -5)
COURSES = (HEALTHY, STALLED, SLOW, PAUSED, NOT_STARTED, SCHEDULED, MISSED, ENDED, WINDOWLESS)

MANY = tuple(
    Course(f"{number:08x}-b83a-46c4-8c2e-78ac4e3f{number:04x}", agent, 600, (-3, 3), 120)
    for number in range(150)
    for agent in (RENEWALS, REMINDERS)
)
"""150 batches of each agent. Both agents have the same ids: ids are unique within an agent."""


async def exposition(now: float, courses: Iterable[Course], last_poll: float) -> str:
    """Return what the exporter serves at `now`; times are in seconds since the epoch."""
    agents = (
        _agent(RENEWALS, courses, now, last_poll),
        _agent(REMINDERS, courses, now, last_poll, late=10),
    )
    active = 4 + int(3 * (1 + now / 900 % 2))
    account = AccountSnapshot("production", 5, up=True, last_success=last_poll, active_calls=active)
    snapshot = Snapshot((msgspec.structs.replace(account, allowed_calls=10),), agents)
    texts = await ExpositionCache(SETTINGS).texts(snapshot, now, Format.OPENMETRICS)
    return b"".join(map(inflate, texts)).decode() + _instrumentation(now)


def _agent(
    agent: Agent, courses: Iterable[Course], now: float, last_poll: float, late: float = 0
) -> AgentSnapshot:
    """Return the snapshot of an agent that was polled `late` seconds before `last_poll`."""
    hour = (last_poll - END) / HOUR
    batches = [course.at(hour) for course in courses if course.agent is agent]
    health = PollHealth(
        interval=30,
        up=now - last_poll < HOUR / 12,
        last_poll=last_poll - late,
        last_success=last_poll - late,
        duration=0.4,
        polls=int(last_poll - END) // 30 + 9999,
        failures={"timeout": max(0, int(now - last_poll) // 60)},
    )
    return AgentSnapshot(agent, health, Listing(tuple(filter(None, batches)), 1, 99))


def _instrumentation(now: float) -> str:
    since = now - END + 24 * HOUR
    buckets = ((0.1, 0.6), (0.25, 0.9), (0.5, 0.97), (1, 0.99), ("+Inf", 1))
    name = "ultravox_exporter_api_request_duration_seconds_bucket"
    account = 'account="production"'
    requests = f'{account},resource="batches"'
    lines = [
        "up 1",
        f"process_start_time_seconds {END - (8 if now < END - 3.5 * HOUR else 3.5) * HOUR}",
        f"process_resident_memory_bytes {58e6 + since * 20}",
        f"process_cpu_seconds_total {since * 0.01}",
        'ultravox_exporter_build_info{version="0.1.0",python="3.11.9"} 1',
        f'ultravox_exporter_api_requests_total{{{requests},code="200"}} {int(since / 12)}',
        f'ultravox_exporter_api_requests_total{{{requests},code="503"}} {int(since / 900)}',
        f'ultravox_exporter_api_retries_total{{{account},reason="status"}} {int(since / 900)}',
        f"ultravox_exporter_api_rate_limit_wait_seconds_total{{{account}}} {since / 99}",
        *(
            f'{name}{{resource="batches",le="{edge}"}} {int(since / 12 * share)}'
            for edge, share in buckets
        ),
    ]
    if now >= END - 0.75 * HOUR:
        labels = f'account="production",agent_id="{RENEWALS.agent_id}"'
        lines.append(
            'ALERTS{alertname="UltravoxBatchStalled",alertstate="firing",severity="critical",'
            f'{labels},batch_id="{STALLED.batch_id}"}} 1'
        )
    return "\n".join(lines) + "\n"


async def write_samples(file: Path) -> None:
    """Write the samples of every job as OpenMetrics with timestamps."""
    with file.open("w") as lines:
        async for sample in _samples():
            lines.write(sample)
        lines.write("# EOF\n")


async def _samples() -> AsyncIterator[str]:
    """Yield the samples of every job; those of a job are in the order of time."""
    for now in range(END - LENGTH, END + 1, SCRAPE_INTERVAL):
        normal = await exposition(now, COURSES, now - 12)
        later = await exposition(now + 17, COURSES, now + 1)
        scrapes = [
            *_scraped(normal, now, "usual"),
            *_scraped(normal, now, "replicas"),
            *_scraped(later, now + 17, "replicas", "exporter-1:10110"),
            *_scraped(_renamed(normal, now, END - 3 * HOUR), now, "rename"),
        ]
        if now <= END - HOUR:
            scrapes += _scraped(_renamed(normal, now, END - 2 * HOUR), now, "gone")
        if now >= END - HOUR:
            renamed = _renamed(normal, now, END - SCRAPE_INTERVAL)
            last_poll = min(now - 12, END - 12 * MINUTE)
            scrapes += _scraped(renamed, now, "renamed just now")
            scrapes += _scraped(await exposition(now, (), now - 12), now, "none")
            scrapes += _scraped(await exposition(now, COURSES, last_poll), now, "failing")
            scrapes += _scraped(await exposition(now, MANY, now - 12), now, "many")
        for line in scrapes:
            yield line


def _renamed(text: str, now: float, since: float) -> str:
    old, new = f'agent="{RENEWALS.name}"', f'agent="{NEW_NAME}"'
    return text.replace(old, new) if now >= since else text


def _scraped(text: str, now: float, job: str, instance: str = "exporter-0:10110") -> Iterator[str]:
    """Yield the samples of an exposition with the labels of the target and a timestamp."""
    target = f'job="{job}",instance="{instance}"'
    for name, labels, value in _SAMPLE.findall(text):
        yield f"{name}{{{target}{',' if labels else ''}{labels}}} {value} {now}\n"


_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
