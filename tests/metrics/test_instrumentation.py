"""The exporter's own metrics, and the catalogue as a whole."""

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from exporter.metrics.catalogue import SECTIONS
from exporter.metrics.instrumentation import INSTRUMENTATION_METRICS, Instrumentation
from exporter.render.text import Format, registry_text

FAMILIES = [family for _, families in SECTIONS for family in families]


def test_requests_retries_and_waits_are_counted() -> None:
    own = Instrumentation()
    own.request("main", "agents", "200", 0.3)
    own.request("main", "agents", "error", 2.0)
    own.retry("main", "status")
    own.rate_limit_wait("main", 1.5)
    text = registry_text(own.registry, Format.PROMETHEUS).decode()
    for line in (
        'ultravox_exporter_api_requests_total{account="main",code="200",resource="agents"} 1.0',
        'ultravox_exporter_api_requests_total{account="main",code="error",resource="agents"} 1.0',
        'ultravox_exporter_api_request_duration_seconds_count{resource="agents"} 2.0',
        'ultravox_exporter_api_retries_total{account="main",reason="status"} 1.0',
        'ultravox_exporter_api_rate_limit_wait_seconds_total{account="main"} 1.5',
    ):
        assert line in text.splitlines()
    assert "_created" not in text


@pytest.mark.parametrize(
    ("form", "parse"),
    [
        (Format.PROMETHEUS, text_string_to_metric_families),
        (Format.OPENMETRICS, openmetrics_families),
    ],
)
def test_each_family_of_the_table_is_served(form: Format, parse: object) -> None:
    assert callable(parse)
    own = Instrumentation()
    own.request("main", "agents", "200", 0.3)
    own.rate_limit_wait("main", 1.5)
    served = {
        (family.name, family.type, family.documentation)
        for family in parse(registry_text(own.registry, form).decode())
    }
    promised = {
        (family.name.removesuffix("_total"), family.kind, family.help)
        for family in INSTRUMENTATION_METRICS
    }
    assert promised <= served
    names = {name for name, _, _ in served - promised}
    assert all(name.startswith(("process_", "python_")) for name in names)


def test_no_name_stands_twice() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_follow_the_conventions(family: object) -> None:
    """What the renderer relies on: help texts need no escaping, counters end in `_total`."""
    name, text, kind = (getattr(family, field) for field in ("name", "help", "kind"))
    assert name.startswith("ultravox_")
    assert (kind == "counter") is name.endswith("_total")
    assert not set(text) & set('\\\n"')
    assert text.endswith(".")
