"""Instrumentation: metrics about the exporter itself, kept in a prometheus_client registry."""

import platform
from collections.abc import Callable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from exporter import __version__
from exporter.metrics.metric import Family

BUILD_INFO = Family(
    "ultravox_exporter_build_info",
    "Always 1; the labels are the versions of the exporter and of Python",
    ("version", "python"),
)
REQUESTS = Family(
    "ultravox_exporter_api_requests_total",
    "Number of requests to the API by what is requested and by HTTP status code; code is error"
    " when no complete answer arrived",
    ("account", "resource", "code"),
    kind="counter",
)
REQUEST_DURATION = Family(
    "ultravox_exporter_api_request_duration_seconds",
    "Duration of requests to the API, bodies included, in seconds",
    ("resource",),
    kind="histogram",
)
RETRIES = Family(
    "ultravox_exporter_api_retries_total",
    "Number of requests to the API that were retried, by the reason of the failure",
    ("account", "reason"),
    kind="counter",
)
RATE_LIMIT_WAIT = Family(
    "ultravox_exporter_api_rate_limit_wait_seconds_total",
    "Total time that requests waited for the exporter's own rate limit (requests_per_second), in"
    " seconds",
    ("account",),
    kind="counter",
)
LOG_LINES_DROPPED = Family(
    "ultravox_exporter_log_lines_dropped_total",
    "Number of log lines that were dropped because standard error can't be written to, or is read"
    " too slowly",
    (),
    kind="counter",
)

INSTRUMENTATION_METRICS = (
    BUILD_INFO,
    REQUESTS,
    REQUEST_DURATION,
    RETRIES,
    RATE_LIMIT_WAIT,
    LOG_LINES_DROPPED,
)


class Instrumentation:
    """Counts requests to the API: the observer of the API clients.

    `log_lines_dropped` returns the number of log lines dropped since the start.
    """

    def __init__(self, log_lines_dropped: Callable[[], int] = lambda: 0) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # no annotations
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.registry.register(_LogLinesDropped(log_lines_dropped))
        self._requests = self._counter(REQUESTS)
        self._retries = self._counter(RETRIES)
        self._waits = self._counter(RATE_LIMIT_WAIT)
        self._durations = Histogram(
            REQUEST_DURATION.name,
            REQUEST_DURATION.help,
            REQUEST_DURATION.labels,
            registry=self.registry,
        )
        build = Gauge(BUILD_INFO.name, BUILD_INFO.help, BUILD_INFO.labels, registry=self.registry)
        build.labels(__version__, platform.python_version()).set(1)

    def request(self, account: str, resource: str, code: str, seconds: float) -> None:
        """Count one request of an account, and how long it took in seconds."""
        self._requests.labels(account, resource, code).inc()
        self._durations.labels(resource).observe(seconds)

    def retry(self, account: str, reason: str) -> None:
        """Count one retry of a request that failed for the reason."""
        self._retries.labels(account, reason).inc()

    def rate_limit_wait(self, account: str, seconds: float) -> None:
        """Add the seconds that one request waited for the account's rate limit."""
        self._waits.labels(account).inc(seconds)

    def _counter(self, family: Family) -> Counter:
        return Counter(family.name, family.help, family.labels, registry=self.registry)


class _LogLinesDropped(Collector):
    """Reads the counter of the log when it is scraped."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the one family."""
        yield CounterMetricFamily(
            LOG_LINES_DROPPED.name, LOG_LINES_DROPPED.help, value=self._count()
        )
