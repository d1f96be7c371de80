"""Each alert has its page, and a page asks only for what there is."""

import re
from pathlib import Path

import pytest

from exporter.metrics.catalogue import SECTIONS
from exporter.metrics.metric import Family
from exporter.rules.document import alerts
from exporter.rules.recorded import recordings
from exporter.rules.thresholds import Thresholds
from tests.support.runbooks import pages, queries

ALERTS = {alert.name for alert in alerts(Thresholds())}

HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]

FAMILIES: list[Family] = [family for _, families in SECTIONS for family in families]

NAMES = {
    *(family.name for family in FAMILIES),
    *(f"{family.name}_bucket" for family in FAMILIES if family.kind == "histogram"),
    *(name for name, _ in recordings(Thresholds())),
    *("up", "ALERTS", "process_start_time_seconds"),
}

_NO_NAMES = re.compile(
    r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]'
    r"|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"
    r"|\b(?:and|or|unless|offset)\b"
    r"|\b\w+(?=\s*(?:\(|by\b|without\b))"
)
"""What of a query holds no metric's name: texts, labels, ranges, words and functions."""


def test_each_alert_has_a_page_and_no_page_is_without_one() -> None:
    assert {*pages()} == ALERTS


@pytest.mark.parametrize("path", pages().values(), ids=lambda path: path.stem)
def test_a_page_has_its_title_and_headings(path: Path) -> None:
    found = re.findall(r"^(#+) (.+)$", path.read_text(), re.MULTILINE)
    assert found == [("#", path.stem), *(("##", heading) for heading in HEADINGS)]


def test_each_page_has_a_query_that_names_only_what_there_is() -> None:
    """Metrics of the catalogue, recorded names, `up` and `ALERTS`; alerts by names that exist."""
    asked = list(queries())
    assert {name for name, _ in asked} == ALERTS
    for name, query in asked:
        metrics = {*re.findall(r"[a-zA-Z_][\w:]*", _NO_NAMES.sub(" ", query))}
        assert metrics, query
        assert metrics <= NAMES, name
        named = {*re.findall(r'alertname="(\w+)"', query)}
        assert named <= ALERTS, name
