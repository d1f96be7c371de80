"""The instrumentation: metrics about the exporter itself."""

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from exporter.metrics.instrumentation import INSTRUMENTATION_METRICS, Instrumentation
from exporter.render.text import Format, registry_text


def test_requests_retries_and_waits_are_counted() -> None:
    instrumentation = Instrumentation()
    instrumentation.request("main", "agents", "200", 0.3)
    instrumentation.request("main", "agents", "error", 2.0)
    instrumentation.retry("main", "status")
    instrumentation.rate_limit_wait("main", 1.5)
    text = registry_text(instrumentation.registry, Format.PROMETHEUS).decode()
    for line in (
        'ultravox_exporter_api_requests_total{account="main",code="200",resource="agents"} 1.0',
        'ultravox_exporter_api_requests_total{account="main",code="error",resource="agents"} 1.0',
        'ultravox_exporter_api_request_duration_seconds_count{resource="agents"} 2.0',
        'ultravox_exporter_api_retries_total{account="main",reason="status"} 1.0',
        'ultravox_exporter_api_rate_limit_wait_seconds_total{account="main"} 1.5',
    ):
        assert line in text.splitlines()
    assert "_created" not in text


def test_the_number_of_dropped_log_lines_is_read_when_it_is_scraped() -> None:
    dropped = [3]
    registry = Instrumentation(lambda: dropped[0]).registry
    for count in (3, 5):
        dropped[0] = count
        text = registry_text(registry, Format.PROMETHEUS).decode()
        assert f"\nultravox_exporter_log_lines_dropped_total {count}.0\n" in text


@pytest.mark.parametrize(
    ("form", "parse"),
    [
        (Format.PROMETHEUS, text_string_to_metric_families),
        (Format.OPENMETRICS, openmetrics_families),
    ],
)
def test_each_family_of_the_table_is_exposed(form: Format, parse: object) -> None:
    assert callable(parse)
    instrumentation = Instrumentation()
    instrumentation.request("main", "agents", "200", 0.3)
    instrumentation.rate_limit_wait("main", 1.5)
    exposed = {
        (family.name, family.type, family.documentation)
        for family in parse(registry_text(instrumentation.registry, form).decode())
    }
    promised = {
        (family.name.removesuffix("_total"), family.kind, family.help)
        for family in INSTRUMENTATION_METRICS
    }
    assert promised <= exposed
    names = {name for name, _, _ in exposed - promised}
    assert all(name.startswith(("process_", "python_")) for name in names)
