"""The body of one scrape; and rendering as soon as an agent's data change."""

import asyncio
from collections.abc import Callable

from exporter.metrics.instrumentation import Instrumentation
from exporter.render.cache import ExpositionCache
from exporter.render.gzip_stream import Body, gzipped, plain
from exporter.render.text import Format, registry_text
from exporter.store import Store


async def render_changes(store: Store, cache: ExpositionCache, clock: Callable[[], float]) -> None:
    """Render each agent as soon as its snapshot changes, until cancelled.

    A scrape then finds it in the cache. `clock` returns seconds since the epoch.
    """
    while True:
        changed = await store.next_change()
        await cache.update(changed, clock())
        await asyncio.sleep(0)


async def exposition(
    store: Store,
    cache: ExpositionCache,
    instrumentation: Instrumentation,
    clock: Callable[[], float],
    text_format: Format,
    *,
    gzip: bool,
) -> Body:
    """Return the body of one scrape: batches, agents, accounts, then the instrumentation.

    `clock` returns seconds since the epoch.
    """
    texts = await cache.texts(store.snapshot(), clock(), text_format)
    texts.append(registry_text(instrumentation.registry, text_format))
    work_limit = cache.limits.work_limit
    return await gzipped(texts, work_limit) if gzip else plain(texts, work_limit)
