"""The body of one scrape, from the store and the time; and rendering when an agent changes."""

import asyncio
from collections.abc import Callable

from exporter.metrics.instrumentation import Instrumentation
from exporter.render.cache import ExpositionCache
from exporter.render.gzip_stream import Body, gzipped, plain
from exporter.render.text import Format, registry_text
from exporter.store import Store


async def render_changes(store: Store, pages: ExpositionCache, clock: Callable[[], float]) -> None:
    """Render what changes when it changes, for ever: a scrape then finds it done."""
    while True:
        changed = await store.next_change()
        await pages.update(changed, clock())
        await asyncio.sleep(0)


async def exposition(
    store: Store,
    pages: ExpositionCache,
    own: Instrumentation,
    clock: Callable[[], float],
    form: Format,
    *,
    gzip: bool,
) -> Body:
    """Return the page: what is known of batches, agents and accounts, then the exporter's own."""
    parts = await pages.parts(store.snapshot(), clock(), form)
    parts.append(registry_text(own.registry, form))
    return await gzipped(parts) if gzip else plain(parts)
