"""The format and the encoding that a scraper gets, by its headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.render.text import Format
from exporter.web.negotiation import accepts_gzip, negotiate

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
    ("accept", "text_format"),
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
def test_the_format_is_the_one_that_the_client_prefers(accept: str, text_format: Format) -> None:
    assert negotiate(accept) is text_format


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
def test_gzip_is_used_if_the_header_accepts_it(header: str, *, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
