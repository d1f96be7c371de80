"""The text formats: escaping, numbers, headers, negotiation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition.family import Family, labels
from exporter.exposition.text import Format, accepts_gzip, header, negotiate, number


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_label_value_reads_back(value: str) -> None:
    """Parsed by prometheus_client, which is not ours.

    Its parser splits lines at more characters than the format's line feed; those are left out.
    """
    if len(f"x{value}x".splitlines()) > 1 + value.count("\n"):
        return
    text = f"# TYPE m gauge\nm{{{labels((('a', 'first'), ('b', value)))}}} 1\n"
    (family,) = text_string_to_metric_families(text)
    assert family.samples[0].labels == {"a": "first", "b": value}


def test_escapes() -> None:
    assert labels((("a", 'x\\y"z\nw'),)) == r'a="x\\y\"z\nw"'


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15))
def test_any_number_reads_back(value: float) -> None:
    assert float(number(value)) == value


def test_numbers_are_plain() -> None:
    assert [number(value) for value in (True, False, 3, 1.5, 1795493021.0158658)] == [
        "1",
        "0",
        "3",
        "1.5",
        "1795493021.0158658",
    ]


def test_headers_differ_for_counters_and_units() -> None:
    waits = Family("x_seconds_total", "Help.", (), kind="counter")
    assert header(waits, Format.PROMETHEUS) == (
        "# HELP x_seconds_total Help.\n# TYPE x_seconds_total counter\n"
    )
    assert header(waits, Format.OPENMETRICS) == (
        "# HELP x_seconds Help.\n# TYPE x_seconds counter\n# UNIT x_seconds seconds\n"
    )
    plain = Family("x", "Help.", ())
    assert header(plain, Format.OPENMETRICS) == "# HELP x Help.\n# TYPE x gauge\n"


PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
    "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Format.PROMETHEUS),
        ("*/*", Format.PROMETHEUS),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format.PROMETHEUS),
        (PROMETHEUS_2, Format.OPENMETRICS),
        (PROMETHEUS_3, Format.OPENMETRICS),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ('Application/OpenMetrics-Text; version="1.0.0"', Format.OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", Format.PROMETHEUS),
        ("application/openmetrics-text;q=0", Format.PROMETHEUS),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.3", Format.PROMETHEUS),
        ("application/openmetrics-text;q=much", Format.PROMETHEUS),
        ("application/json", Format.PROMETHEUS),
        (";;,,=;q", Format.PROMETHEUS),
    ],
)
def test_the_format_is_what_the_client_likes_best(accept: str, form: Format) -> None:
    assert negotiate(accept) is form


@given(st.text())
def test_any_accept_header_is_answered(accept: str) -> None:
    assert negotiate(accept) in Format


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5, br", True),
        ("x-gzip", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("*;q=0, gzip", True),
        ("gzip; q=nonsense", False),
        ("identity", False),
        ("not-gzip", False),
    ],
)
def test_gzip_is_for_those_who_accept_it(header: str, *, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
