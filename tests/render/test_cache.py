"""The cache changes no exposition: the bytes are those of a rendering without a cache."""

import asyncio
import gzip
import zlib
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse

from exporter.config import Batches, Polling
from exporter.metrics.instrumentation import Instrumentation
from exporter.model import (
    CALL_STATUSES,
    AccountSnapshot,
    Agent,
    AgentSnapshot,
    Batch,
    BatchState,
    CallStatus,
    Listing,
    PollHealth,
    Snapshot,
)
from exporter.render.cache import ExpositionCache
from exporter.render.chunk import RenderLimits
from exporter.render.gzip_stream import Body, Fragment, gzipped, plain
from exporter.render.text import Format, registry_text
from exporter.selection import SelectionSettings
from tests.support.plain import render

SETTINGS = SelectionSettings(Polling(stale_after=600.0), Batches(keep_ended=300.0, max_per_agent=5))

TIMES = st.sampled_from([0.0, 0.1, 99.9, 100.0, 200.0, 300.0, 399.5, 400.0, 500.0, 700.0, 900.0])
"""Times at which windows, `keep_ended` and staleness change something, and times between them."""

batches = st.builds(
    Batch,
    batch_id=st.sampled_from([*"abcdefgh", '%s"é\\%', "%r\n"]),
    created=TIMES,
    total=st.integers(0, 9),
    completed=st.integers(0, 9),
    paused=st.booleans(),
    window_start=st.none() | TIMES,
    window_end=st.none() | TIMES,
    ended=st.none() | st.none() | TIMES,
    throttle=st.sampled_from(["", "evening"]),
    webhook=st.booleans(),
    last_progress=st.none() | TIMES,
    call_status=st.none()
    | st.just(
        CallStatus(
            tuple(range(len(CALL_STATUSES))), asked=1.0, fingerprint=(1, 1, BatchState.ACTIVE)
        )
    ),
)
listings = st.lists(batches, unique_by=lambda batch: batch.batch_id, max_size=10).map(
    lambda found: Listing(tuple(found), pages=1, reported=len(found))
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Return a snapshot of up to three agents of an account."""
    agents = tuple(
        AgentSnapshot(
            Agent("main", agent_id, draw(st.sampled_from(["A", "B%"])), {"team": "x"}),
            PollHealth(30.0, up=True, last_success=draw(st.none() | TIMES), polls=1),
            draw(st.none() | listings),
            {"full": 1},
        )
        for agent_id in draw(st.lists(st.sampled_from("xy%"), unique=True, max_size=3))
    )
    return Snapshot((AccountSnapshot("main", 5.0),), agents)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Snapshot, float]]:
    """Return snapshots, some equal or similar to the one before, and times, in any order."""
    history: list[tuple[Snapshot, float]] = []
    for _ in range(draw(st.integers(1, 6))):
        snapshot = draw(snapshots())
        step = draw(st.sampled_from(["other", "same", "polled again", "changed"]))
        if history and step != "other":
            snapshot = history[-1][0]
        if step == "polled again":
            snapshot = replace(snapshot, agents=tuple(map(_polled_again, snapshot.agents)))
        if step == "changed":
            field = draw(st.sampled_from(["completed", "window_end", "paused", "throttle"]))
            agents = (_changed(agent, field) for agent in snapshot.agents)
            snapshot = replace(snapshot, agents=tuple(agents))
        history.append((snapshot, draw(TIMES)))
    return history


def _polled_again(agent: AgentSnapshot) -> AgentSnapshot:
    health = replace(agent.health, polls=agent.health.polls + 1, last_success=300.0)
    return replace(agent, health=health)


def _changed(agent: AgentSnapshot, field: str) -> AgentSnapshot:
    """Return the agent after a poll in which one field of every second batch has changed."""
    if agent.listing is None:
        return agent
    values: dict[str, object] = {
        "completed": 8,
        "window_end": 450.0,
        "paused": True,
        "throttle": "other",
    }
    batches = tuple(
        replace(batch, **{field: values[field]}) if index % 2 else batch
        for index, batch in enumerate(agent.listing.batches)
    )
    return _polled_again(replace(agent, listing=replace(agent.listing, batches=batches)))


async def written(body: Body) -> bytes:
    """Return all bytes that a body writes, after a check of their number."""
    content = b"".join([write async for write in body.writes()])
    assert len(content) == body.length
    return content


async def compare(
    history: Iterable[tuple[Snapshot, float]], settings: SelectionSettings, limits: RenderLimits
) -> None:
    """Render each exposition with one cache and without, and compare the bytes."""
    cache = ExpositionCache(settings, limits)
    for snapshot, now in history:
        for text_format in Format:
            expected = render(snapshot, now, settings, text_format).encode()
            assert await written(plain(await cache.texts(snapshot, now, text_format))) == expected
            texts = await cache.texts(snapshot, now, text_format)
            compressed = await written(await gzipped(texts))
            assert gzip.decompress(compressed) == expected
            inflater = zlib.decompressobj(31)
            inflater.decompress(compressed)
            assert inflater.eof
            assert not inflater.unused_data, "more than one gzip member"


@given(histories(), st.sampled_from([1, 2, 400]), st.sampled_from([0, 1, 5, 50]))
def test_an_exposition_is_the_same_with_and_without_the_cache(
    history: list[tuple[Snapshot, float]], chunk_batches: int, max_per_agent: int
) -> None:
    """For any earlier snapshots and times, chunks of any size, deflated or not."""
    batches = Batches(
        keep_ended=300.0,
        max_per_agent=max(max_per_agent, 1),
        per_batch_series=max_per_agent > 0,
    )
    limits = RenderLimits(chunk_batches, min_deflated=100 * chunk_batches)
    asyncio.run(compare(history, replace(SETTINGS, batches=batches), limits))


@pytest.mark.parametrize(
    ("text_format", "parser"), [(Format.PROMETHEUS, parse), (Format.OPENMETRICS, parse_openmetrics)]
)
async def test_prometheus_client_reads_the_same_values(
    text_format: Format, parser: Callable[[str], Iterable[Metric]]
) -> None:
    """In both formats, with batches in every state, and some lines deflated."""
    listing = Listing(
        tuple(
            Batch(
                f"{number:036}",
                created=1.5,
                total=9,
                completed=number % 10,
                paused=number % 7 == 0,
                window_start=100.0 * (number % 3),
                window_end=100.0 * (number % 5),
                ended=50.0 if number % 11 == 0 else None,
            )
            for number in range(500)
        ),
        pages=5,
    )
    agent = AgentSnapshot(Agent("main", "a", "A"), PollHealth(30.0, last_success=1.0), listing)
    snapshot = Snapshot((AccountSnapshot("main", 5.0),), (agent,))
    settings = replace(SETTINGS, batches=Batches(max_per_agent=1000))
    texts = await ExpositionCache(settings).texts(snapshot, 150.0, text_format)
    assert any(isinstance(text, Fragment) for text in texts)
    instrumentation = registry_text(Instrumentation().registry, text_format)
    exposition = gzip.decompress(await written(await gzipped([*texts, instrumentation]))).decode()
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parser(exposition)
        for sample in family.samples
    }
    lines = [line for line in exposition.splitlines() if not line.startswith("#")]
    assert len(found) == len(lines)
    assert sum(value for (name, *_), value in found.items() if name == "ultravox_agent_calls") == (
        9 * 500
    )


UNPOLLED = AgentSnapshot(Agent("main", "a", "A"), PollHealth(30.0))


async def test_nothing_is_kept_of_an_agent_that_is_removed() -> None:
    cache = ExpositionCache(SETTINGS)
    other = replace(UNPOLLED, agent=Agent("main", "b", "B"))
    await cache.texts(Snapshot(agents=(UNPOLLED, other)), 1000.0, Format.PROMETHEUS)
    kept = await cache.update(UNPOLLED, 1000.0)
    await cache.texts(Snapshot(agents=(UNPOLLED,)), 1000.0, Format.PROMETHEUS)
    assert await cache.update(UNPOLLED, 1000.0) is kept
    assert len(cache) == 1


async def test_two_callers_at_once_get_one_rendering() -> None:
    """The first is rendering when the second asks: with `work_limit` 0 it stops at checkpoints."""
    batches = tuple(Batch(str(number), created=1.0, total=9, completed=1) for number in range(5))
    health = PollHealth(30.0, up=True, last_success=1000.0)
    polled = replace(UNPOLLED, health=health, listing=Listing(batches, pages=1))
    cache = ExpositionCache(SETTINGS, RenderLimits(chunk_batches=1, work_limit=0.0))
    first, second = await asyncio.gather(*[cache.update(polled, 1000.0) for _ in range(2)])
    assert first is second
