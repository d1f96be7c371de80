"""The applications that are measured."""

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from benchmarks.load import SETTINGS
from exporter.metrics.agent import AGENT_METRICS
from exporter.metrics.batch import BATCH_METRICS
from exporter.metrics.instrumentation import Instrumentation
from exporter.metrics.metric import AnyMetric, LabelledMetric, Subject
from exporter.render.cache import ExpositionCache
from exporter.render.exposition import exposition
from exporter.selection import select_agent, sums_by_state
from exporter.store import Store
from exporter.web.server import Site, application

PATH = "/metrics"

FREE = "…"
"""The catalogue's placeholder for labels that the user defines: the load has none."""


def ours(store: Store, cache: ExpositionCache) -> web.Application:
    """Return the exporter's own application."""
    metrics = partial(exposition, store, cache, Instrumentation(), time.time)
    return application(Site(PATH, metrics, overdue=list, ready=lambda: True))


def prometheus_client(store: Store) -> web.Application:
    """Return prometheus_client's handler over a collector of the same samples."""
    app = web.Application()
    app.router.add_get(PATH, make_aiohttp_handler(registry(store)))
    return app


def finished(body: bytes) -> web.Application:
    """Return a server of a body that is ready: the lowest cost of sending that many bytes."""

    async def respond(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    app = web.Application()
    app.router.add_get(PATH, respond)
    return app


def registry(store: Store) -> CollectorRegistry:
    """Return a registry with the samples of a store, created again at each collection."""
    made = CollectorRegistry()
    made.register(Samples(store))
    return made


class Samples(Collector):
    """Collects the samples of batches and agents, from the same catalogue as ours."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Yield each family with its samples at the present time."""
        now, agents, batches = time.time(), [], []
        for snapshot in self._store.snapshot().agents:
            identity, listing = snapshot.agent.key, snapshot.listing
            known = () if listing is None else listing.batches
            sums = sums_by_state(known, now)
            selection = select_agent(snapshot, len(known), sums, SETTINGS.batches)
            agents.append((identity, selection))
            batches.extend([((*identity, batch.batch_id), batch) for batch in known])
        for metric in BATCH_METRICS:
            yield _family(metric, batches, now)
        for agent_metric in AGENT_METRICS:
            yield _family(agent_metric, agents, now)


def _family(
    metric: AnyMetric[Subject], subjects: Iterable[tuple[Sequence[str], Subject]], now: float
) -> Metric:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    made = kind(metric.name, metric.help, labels=[name for name in metric.labels if name != FREE])
    if isinstance(metric, LabelledMetric):
        for identity, subject in subjects:
            for further, sample in metric.samples(subject, now):
                made.add_metric((*identity, *_values(further)), sample)
        return made
    for identity, subject in subjects:
        value = metric.value(subject, now)
        if value is not None:
            made.add_metric(identity, value)
    return made


@lru_cache
def _values(further: str) -> tuple[str, ...]:
    """Return the values of labels that are formatted already; none contains a quote here."""
    return tuple(re.findall('="([^"]*)"', further))
