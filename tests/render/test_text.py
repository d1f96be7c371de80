"""The text formats: escaping, numbers, headers."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.metrics.metric import Family, labels
from exporter.render.text import Format, header, number


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
    waits = Family("x_seconds_total", "Help", (), kind="counter")
    assert header(waits, Format.PROMETHEUS) == (
        "# HELP x_seconds_total Help.\n# TYPE x_seconds_total counter\n"
    )
    assert header(waits, Format.OPENMETRICS) == (
        "# HELP x_seconds Help.\n# TYPE x_seconds counter\n# UNIT x_seconds seconds\n"
    )
    plain = Family("x", "Help", ())
    assert header(plain, Format.OPENMETRICS) == "# HELP x Help.\n# TYPE x gauge\n"
