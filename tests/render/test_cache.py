"""What is kept of former pages changes no page: it is what the catalogue alone would give."""

import asyncio
import gzip
import itertools
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
from exporter.render import chunk as slices
from exporter.render.cache import ExpositionCache
from exporter.render.gzip_stream import (
    Body,
    Fragment,
    Part,
    deflate,
    fragments,
    gzipped,
    inflate,
    plain,
)
from exporter.render.text import Format, registry_text
from exporter.selection import SelectionSettings
from tests.support.plain import render

SETTINGS = SelectionSettings(Polling(stale_after=600.0), Batches(keep_ended=300.0, max_per_agent=5))

TIMES = st.sampled_from([0.0, 0.1, 99.9, 100.0, 200.0, 300.0, 399.5, 400.0, 500.0, 700.0, 900.0])
"""Edges of windows, of keeping and of staleness, and times between them."""

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
    """Return snapshots, each perhaps the one before or much like it, and times, in any order."""
    history: list[tuple[Snapshot, float]] = []
    for _ in range(draw(st.integers(1, 6))):
        snapshot = draw(snapshots())
        what = draw(st.sampled_from(["other", "same", "polled again", "moved on"]))
        if history and what != "other":
            snapshot = history[-1][0]
        if what == "polled again":
            snapshot = replace(snapshot, agents=tuple(map(_polled_again, snapshot.agents)))
        if what == "moved on":
            moved = draw(st.sampled_from(["completed", "window_end", "paused", "throttle"]))
            agents = (_moved_on(agent, moved) for agent in snapshot.agents)
            snapshot = replace(snapshot, agents=tuple(agents))
        history.append((snapshot, draw(TIMES)))
    return history


def _polled_again(agent: AgentSnapshot) -> AgentSnapshot:
    health = replace(agent.health, polls=agent.health.polls + 1, last_success=300.0)
    return replace(agent, health=health)


def _moved_on(agent: AgentSnapshot, moved: str) -> AgentSnapshot:
    """Return the agent after a poll that found one thing of every other batch changed."""
    if agent.listing is None:
        return agent
    news: dict[str, object] = {
        "completed": 8,
        "window_end": 450.0,
        "paused": True,
        "throttle": "other",
    }
    batches = tuple(
        replace(batch, **{moved: news[moved]}) if index % 2 else batch
        for index, batch in enumerate(agent.listing.batches)
    )
    return _polled_again(replace(agent, listing=replace(agent.listing, batches=batches)))


async def sent(body: Body) -> bytes:
    """Return what a body sends; its length is what it said."""
    content = b"".join([chunk async for chunk in body.chunks()])
    assert len(content) == body.length
    return content


async def both_ways(history: Iterable[tuple[Snapshot, float]], policy: SelectionSettings) -> None:
    """Render each page from what was rendered before and plainly, and find the same bytes."""
    pages = ExpositionCache(policy)
    for snapshot, now in history:
        for form in Format:
            expected = render(snapshot, now, policy, form).encode()
            assert await sent(plain(await pages.parts(snapshot, now, form))) == expected
            compressed = await sent(await gzipped(await pages.parts(snapshot, now, form)))
            assert gzip.decompress(compressed) == expected
            inflater = zlib.decompressobj(31)
            inflater.decompress(compressed)
            assert inflater.eof
            assert not inflater.unused_data, "more than one gzip member"


@given(histories(), st.sampled_from([1, 2, 400]), st.sampled_from([0, 1, 5, 50]))
def test_every_page_is_what_the_catalogue_alone_gives(
    history: list[tuple[Snapshot, float]], largest: int, max_per_agent: int
) -> None:
    """Whatever was rendered before, in slices of any size, deflated or not, at edges of time."""
    policy = replace(
        SETTINGS,
        batches=Batches(
            keep_ended=300.0,
            max_per_agent=max(max_per_agent, 1),
            per_batch_series=max_per_agent > 0,
        ),
    )
    before = slices.LARGEST, slices.WORTH_DEFLATING
    slices.LARGEST, slices.WORTH_DEFLATING = largest, 100 * largest
    try:
        asyncio.run(both_ways(history, policy))
    finally:
        slices.LARGEST, slices.WORTH_DEFLATING = before


@pytest.mark.parametrize(
    ("form", "parser"), [(Format.PROMETHEUS, parse), (Format.OPENMETRICS, parse_openmetrics)]
)
async def test_prometheus_client_reads_the_same_values(
    form: Format, parser: Callable[[str], Iterable[Metric]]
) -> None:
    """From both formats, of batches in every state, some of them in deflated blocks."""
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
    policy = replace(SETTINGS, batches=Batches(max_per_agent=1000))
    parts = await ExpositionCache(policy).parts(snapshot, 150.0, form)
    assert any(isinstance(part, Fragment) for part in parts)
    own = registry_text(Instrumentation().registry, form)
    page = gzip.decompress(await sent(await gzipped([*parts, own]))).decode()
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parser(page)
        for sample in family.samples
    }
    lines = [line for line in page.splitlines() if not line.startswith("#")]
    assert len(found) == len(lines)
    assert sum(value for (name, *_), value in found.items() if name == "ultravox_agent_calls") == (
        9 * 500
    )


def test_fragments_of_any_parts_are_one_text() -> None:
    """Deflated ones first, last, or next to each other."""
    kinds: list[Part] = [b"ab", b"", deflate(b"cd")]
    for order in itertools.product(kinds, repeat=4):
        found = list(fragments(order, 3))
        assert b"".join(map(inflate, found)) == b"".join(map(inflate, order))
