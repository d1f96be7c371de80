"""What has not changed is not rendered again: chunks, and within a chunk the lines of a metric."""

from msgspec.structs import replace

from exporter.config import Batches, Polling
from exporter.metrics.batch import BATCH_METRICS
from exporter.model import Agent, AgentSnapshot, Batch, Listing, PollHealth, Snapshot
from exporter.render.cache import ExpositionCache
from exporter.render.chunk import RenderLimits
from exporter.render.gzip_stream import plain
from exporter.render.text import Format
from exporter.selection import SelectionSettings

SETTINGS = SelectionSettings(Polling(), Batches())
LISTING = Listing(
    tuple(
        Batch(str(number), created=900.0, total=9, completed=1, window_end=2000.0 + number)
        for number in range(10)
    ),
    pages=1,
)
POLLED = AgentSnapshot(
    Agent("main", "a", "A"), PollHealth(30.0, up=True, last_success=1000.0), LISTING
)


async def test_what_has_not_changed_is_not_rendered_again() -> None:
    """After a poll without changes, after the agent's name changed, and one batch's calls."""
    cache = ExpositionCache(SETTINGS, RenderLimits(chunk_batches=2))
    before = await cache.update(POLLED, 1000.0)
    assert len(before.shown) == 5
    assert await cache.update(POLLED, 1100.0) is before
    after = await cache.update(replace(POLLED, agent=Agent("main", "a", "B")), 1100.0)
    assert after.lines != before.lines
    assert [id(chunk) for chunk in after.shown] == [id(chunk) for chunk in before.shown]
    first, *rest = LISTING.batches
    changed = replace(LISTING, batches=(replace(first, completed=2), *rest))
    latest = await cache.update(replace(POLLED, listing=changed), 1100.0)
    assert [new is old for new, old in zip(latest.shown, before.shown, strict=True)] == [
        False,
        *[True] * 4,
    ]
    pairs = zip(BATCH_METRICS, latest.shown[0].lines, before.shown[0].lines, strict=True)
    assert [metric.name for metric, new, old in pairs if new is not old] == [
        "ultravox_batch_calls_completed",
        "ultravox_batch_calls_remaining",
    ]


async def test_at_the_edge_of_a_window_only_state_and_remaining_time_are_rendered_again() -> None:
    """A batch that has ended has no edge and no remaining time."""
    running = Batch("b", created=1.0, total=9, completed=1, window_end=1100.0)
    ended = Batch("e", created=1.0, total=9, completed=9, window_end=1100.0, ended=990.0)
    cache = ExpositionCache(SETTINGS)
    agent = replace(POLLED, listing=Listing((running, ended), pages=1))
    (before,) = (await cache.update(agent, 1000.0)).shown
    (after,) = (await cache.update(agent, 1100.0)).shown
    pairs = zip(BATCH_METRICS, after.lines, before.lines, strict=True)
    assert [metric.name for metric, new, old in pairs if new is not old] == [
        "ultravox_batch_state",
        "ultravox_batch_window_remaining_seconds",
    ]
    only_ended = replace(POLLED, listing=Listing((ended,), pages=1))
    body = plain(await cache.texts(Snapshot(agents=(only_ended,)), 1000.0, Format.PROMETHEUS))
    text = b"".join([write async for write in body.writes()])
    assert b"ultravox_batch_calls{" in text
    assert b"window_remaining_seconds{" not in text
