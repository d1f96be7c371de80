"""Each alert has a runbook, and the runbooks name only what exists.

What exists: alerts with their severity, metrics, flags, log events and pages.
"""

import re
from pathlib import Path

import pytest

from exporter.metrics.catalogue import SECTIONS
from exporter.metrics.metric import Family
from exporter.rules.document import alerts, recordings
from exporter.rules.thresholds import Thresholds
from tests.support.runbooks import RUNBOOKS, queries, runbooks
from tools.docs.pages import ROOT

ALERTS = {alert.name for alert in alerts(Thresholds())}

SEVERITIES = {(alert.name, alert.severity) for alert in alerts(Thresholds())}

ALERTS_PAGE = ROOT / "docs" / "alerts.md"

PAGES = [*RUNBOOKS.glob("*.md"), ALERTS_PAGE, ROOT / "docs" / "alert-accuracy.md"]

HEADINGS = [
    "What fires",
    "What it means for the campaign",
    "First step",
    "Check in order",
    "What to do",
    "When it is over",
]

FAMILIES: list[Family] = [family for _, families in SECTIONS for family in families]

NAMES = {
    *(family.name for family in FAMILIES),
    *(f"{family.name}_bucket" for family in FAMILIES if family.kind == "histogram"),
    *(name for name, _ in recordings(Thresholds())),
    *("up", "ALERTS", "process_start_time_seconds"),
}

FLAGS = {
    *(f"--{field.replace('_', '-')}" for field in Thresholds.__struct_encode_fields__),
    *("--config.file", "--grafana-url", "--help", "--live", "--runbook-url"),
    *("--campaigns", "--seed"),  # of `make truth`
    "--date",  # of `date`
}
"""The flags that a page may name."""

SOURCES = [path.read_text() for path in (ROOT / "exporter").rglob("*.py")]

_NO_NAMES = re.compile(
    r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]'
    r"|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"
    r"|\b(?:and|or|unless|offset)\b"
    r"|\b\w+(?=\s*(?:\(|by\b|without\b))"
)
"""The parts of a query that are no metric names: texts, labels, ranges, keywords and functions."""


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert {*runbooks()} == ALERTS


@pytest.mark.parametrize("path", runbooks().values(), ids=lambda path: path.stem)
def test_a_runbook_has_its_title_and_headings(path: Path) -> None:
    found = re.findall(r"^(#+) (.+)$", path.read_text(), re.MULTILINE)
    assert found == [("#", path.stem), *(("##", heading) for heading in HEADINGS)]


@pytest.mark.parametrize("path", runbooks().values(), ids=lambda path: path.stem)
def test_a_runbook_states_the_severities_of_its_alert(path: Path) -> None:
    (line,) = re.findall(r"^Severity: .*(?:\n.+)*", path.read_text(), re.MULTILINE)
    found = {(path.stem, each) for each in re.findall(r"\b(critical|warning|info)\b", line)}
    assert found == {each for each in SEVERITIES if each[0] == path.stem}


def test_the_page_of_alerts_has_each_alert_with_its_severities() -> None:
    """A line without a name belongs to the alert above it."""
    found, name = set(), ""
    for named, severity in re.findall(
        r"^\| (?:`(\w+)` )?\| (critical|warning|info) \|", ALERTS_PAGE.read_text(), re.MULTILINE
    ):
        name = named or name
        found.add((name, severity))
    assert found == SEVERITIES


def test_each_runbook_has_a_query_and_queries_name_only_metrics_that_exist() -> None:
    """Metrics of the catalogue, recorded names, `up` and `ALERTS`; alerts by names that exist."""
    asked = list(queries())
    assert {name for name, _ in asked} == ALERTS
    for name, query in asked:
        metrics = {*re.findall(r"[a-zA-Z_][\w:]*", _NO_NAMES.sub(" ", query))}
        assert metrics, query
        assert metrics <= NAMES, name
        named = {*re.findall(r'alertname="(\w+)"', query)}
        assert named <= ALERTS, name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_names_only_alerts_flags_events_and_files_that_exist(path: Path) -> None:
    text = path.read_text()
    assert {*re.findall(r"\bUltravox[A-Z]\w+(?![\w…(])", text)} <= ALERTS
    assert {*re.findall(r"(?<![\w-])--[a-z][\w.-]*\w", text)} <= FLAGS
    for event in re.findall(r"\bevent=(\w+)", text):
        assert any(f'"{event}"' in source for source in SOURCES), event
    for target in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text):
        assert (path.parent / target).exists(), target
