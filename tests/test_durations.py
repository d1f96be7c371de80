"""Durations in Prometheus's syntax: parsed and rendered."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.durations import PATTERN, parse, render


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("250ms", 0.25),
        ("90s", 90),
        ("1h30m", 5400),
        ("1d", 86_400),
        ("1w", 604_800),
        ("1y", 31_536_000),
        ("1y2w3d4h5m6s7ms", 33_019_506.007),
        ("007m", 420),
    ],
)
def test_a_duration_is_parsed_into_seconds(text: str, seconds: float) -> None:
    assert parse(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "s", "1", "-1s", "+1s", "1.5h", "1s1m", "1m1m", "1 s", " 1s", "1s\n", "1S", "1h 1m", "٣s"],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration with its unit"):
        parse(text)


def test_the_message_for_a_number_suggests_the_unit() -> None:
    with pytest.raises(ValueError, match=r"write 30s$"):
        parse("30")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (90, "1m30s"),
        (86_400, "1d"),
        (8 * 86_400, "8d"),
        (14 * 86_400, "2w"),
        (365 * 86_400, "1y"),
        (366 * 86_400, "366d"),
    ],
)
def test_the_shortest_text_is_rendered(seconds: float, text: str) -> None:
    assert render(seconds) == text


@given(st.integers(0, 10**13))
def test_a_rendered_duration_parses_to_the_same_seconds(milliseconds: int) -> None:
    assert parse(render(milliseconds / 1000)) == milliseconds / 1000


@given(st.lists(st.none() | st.integers(0, 9999), min_size=7, max_size=7).filter(any))
def test_a_parsed_duration_renders_to_the_same_seconds(counts: list[int | None]) -> None:
    units = zip(counts, ("y", "w", "d", "h", "m", "s", "ms"), strict=True)
    text = "".join(f"{count}{unit}" for count, unit in units if count is not None)
    assert parse(render(parse(text))) == parse(text)


@given(st.text(alphabet="0123456789ywdhms. -"))
def test_a_text_parses_if_and_only_if_it_matches_the_published_pattern(text: str) -> None:
    if re.search(f"^{PATTERN}$", text):
        assert parse(text) >= 0
    else:
        with pytest.raises(ValueError, match="expected a duration"):
            parse(text)
