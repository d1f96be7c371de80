"""The exporter's own metrics, kept by prometheus_client in a registry of their own."""

import platform

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

from exporter import __version__
from exporter.metrics.metric import Family

BUILD_INFO = Family(
    "ultravox_exporter_build_info",
    "Always 1. The versions of the exporter and of Python.",
    ("version", "python"),
)
REQUESTS = Family(
    "ultravox_exporter_api_requests_total",
    "Requests to the API, by status; `error` where no whole answer came.",
    ("account", "endpoint", "code"),
    kind="counter",
)
REQUEST_DURATION = Family(
    "ultravox_exporter_api_request_duration_seconds",
    "How long requests to the API took, bodies included.",
    ("endpoint",),
    kind="histogram",
)
RETRIES = Family(
    "ultravox_exporter_api_retries_total",
    "Requests to the API that were made again, by the reason of the failure before.",
    ("account", "reason"),
    kind="counter",
)
RATE_LIMIT_WAIT = Family(
    "ultravox_exporter_api_rate_limit_wait_seconds_total",
    "How long requests were held back to keep to `requests_per_second`.",
    ("account",),
    kind="counter",
)
RELOAD_SUCCESSFUL = Family(
    "ultravox_exporter_config_last_reload_successful",
    "Whether the last loading of the configuration succeeded.",
    (),
)
RELOAD_TIME = Family(
    "ultravox_exporter_config_last_reload_success_timestamp_seconds",
    "When the configuration in force was loaded.",
    (),
)

INSTRUMENTATION_METRICS = (
    BUILD_INFO,
    REQUESTS,
    REQUEST_DURATION,
    RETRIES,
    RATE_LIMIT_WAIT,
    RELOAD_SUCCESSFUL,
    RELOAD_TIME,
)


class Instrumentation:
    """Counts what the exporter does; also the observer of the API clients."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # no annotations
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._requests = self._counter(REQUESTS)
        self._retries = self._counter(RETRIES)
        self._waits = self._counter(RATE_LIMIT_WAIT)
        self._durations = Histogram(
            REQUEST_DURATION.name,
            REQUEST_DURATION.help,
            REQUEST_DURATION.labels,
            registry=self.registry,
        )
        self._reload_successful = self._gauge(RELOAD_SUCCESSFUL)
        self._reload_time = self._gauge(RELOAD_TIME)
        self._gauge(BUILD_INFO).labels(__version__, platform.python_version()).set(1)

    def request(self, account: str, endpoint: str, code: str, seconds: float) -> None:
        """Note one request to the API."""
        self._requests.labels(account, endpoint, code).inc()
        self._durations.labels(endpoint).observe(seconds)

    def retry(self, account: str, reason: str) -> None:
        """Note that a request is made again because the one before it failed for the reason."""
        self._retries.labels(account, reason).inc()

    def rate_limit_wait(self, account: str, seconds: float) -> None:
        """Note how long a request was held back."""
        self._waits.labels(account).inc(seconds)

    def config_loaded(self, at: float) -> None:
        """Note that a configuration was taken into force, at a time in seconds since the epoch."""
        self._reload_successful.set(1)
        self._reload_time.set(at)

    def _counter(self, family: Family) -> Counter:
        return Counter(family.name, family.help, family.labels, registry=self.registry)

    def _gauge(self, family: Family) -> Gauge:
        return Gauge(family.name, family.help, family.labels, registry=self.registry)
