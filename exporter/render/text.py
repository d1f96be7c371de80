"""The text formats Prometheus 0.0.4 and OpenMetrics 1.0. Pure.

Sample lines of gauges and counters are the same in both; the header of a counter, the unit and the
end mark differ.
"""

from collections.abc import Iterable
from enum import Enum

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from exporter.metrics.metric import AnyMetric, Family, Metric, Subject


class Format(Enum):
    """A text format; the value is its Content-Type."""

    PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


COUNTDOWN_FORMAT = b"%.3f"
"""The format of a value that falls by one per second: seconds, to the millisecond."""


def number(value: float) -> str:
    """Return the value without loss: an integer in full, a float in its shortest exact form."""
    return repr(int(value) if isinstance(value, int) else value)


def header(family: Family, text_format: Format) -> str:
    """Return the family's HELP, TYPE and, in OpenMetrics, UNIT lines."""
    name = family.name
    if text_format is Format.OPENMETRICS and family.kind == "counter":
        name = name.removesuffix("_total")
    lines = [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}"]
    if text_format is Format.OPENMETRICS and family.unit:
        lines.append(f"# UNIT {name} {family.unit}")
    return "\n".join(lines) + "\n"


def lines(metric: AnyMetric[Subject], subjects: Iterable[tuple[str, Subject]], now: float) -> str:
    """Return the sample lines of a metric at `now`, seconds since the epoch.

    Each subject comes with its identity as `labels` writes it.
    """
    name = metric.name
    if isinstance(metric, Metric):
        value = metric.value
        return "".join(
            [
                f"{name}{{{identity}}} {number(sample)}\n"
                for identity, subject in subjects
                if (sample := value(subject, now)) is not None
            ]
        )
    samples = metric.samples
    return "".join(
        [
            f"{name}{{{identity},{further}}} {number(sample)}\n"
            for identity, subject in subjects
            for further, sample in samples(subject, now)
        ]
    )


def registry_text(registry: CollectorRegistry, text_format: Format) -> bytes:
    """Return the families that prometheus_client keeps; in OpenMetrics with the end mark.

    They are the last of an exposition: scrapers do not read beyond the end mark.
    """
    if text_format is Format.OPENMETRICS:
        # prometheus_client has no annotations for this function.
        text: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]  # no annotations
        return text
    return generate_latest(registry)
