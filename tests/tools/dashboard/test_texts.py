"""The texts of the dashboard and of its page agree with the alert rules and with the panels."""

import json
import re

from exporter.rules.document import alerts
from exporter.rules.thresholds import Thresholds
from tools.dashboard.dashboard import SECTIONS
from tools.dashboard.problems import PROBLEMS
from tools.dashboard.thresholds import MISSED_WITHIN, THRESHOLDS, in_words, percent
from tools.docs.pages import DASHBOARD
from tools.preview.dashboard import Json, panels

BOARD: Json = json.loads(DASHBOARD.read_text("utf-8"))
PAGE = (DASHBOARD.parents[1] / "docs" / "dashboard.md").read_text("utf-8")
DESCRIPTIONS = [panel["description"] for panel in panels(BOARD)]
NUMBER = re.compile(r"\d+ (?:minutes?|hours?|days?|%)")


def test_durations_and_shares_in_words() -> None:
    assert [in_words(each) for each in (60, 900, 3600, 5400, 86_400)] == [
        "1 minute",
        "15 minutes",
        "1 hour",
        "1.5 hours",
        "24 hours",
    ]
    assert [percent(each) for each in (0.05, 0.125)] == ["5 %", "12.5 %"]


def test_each_number_in_a_text_is_a_threshold() -> None:
    """Also in the page. 95 and 100 % are no thresholds: they explain a quantile and a share."""
    durations = (THRESHOLDS.stalled_after, THRESHOLDS.not_started_after, MISSED_WITHIN)
    shares = (THRESHOLDS.miss_share, THRESHOLDS.error_share)
    allowed = {*map(in_words, durations), *map(percent, shares), "95 %", "100 %"}
    assert set(NUMBER.findall("\n".join([*DESCRIPTIONS, PAGE]))) <= allowed


def test_the_thresholds_are_the_defaults_of_the_alert_rules() -> None:
    assert Thresholds() == THRESHOLDS


def test_the_page_has_the_meaning_and_the_alert_of_each_problem() -> None:
    names = {alert.name for alert in alerts(THRESHOLDS)}
    for problem in PROBLEMS:
        assert problem.alert in names
        assert f"| {problem.name} | {problem.meaning} | `{problem.alert}` |" in PAGE


def test_the_page_names_each_section_and_each_variable() -> None:
    for section in SECTIONS:
        assert f"| {section.title} |" in PAGE or f"| {section.title} (folded) |" in PAGE
    for variable in BOARD["templating"]["list"]:
        assert f"| `{variable['name']}` | {variable['label']} |" in PAGE


def test_each_panel_or_section_that_a_text_names_exists() -> None:
    """A text names them as "look at Concurrency, then at Exporter and API"."""
    titles = {panel["title"] for panel in panels(BOARD)} | {each.title for each in SECTIONS}
    text = "\n".join(DESCRIPTIONS)
    named = re.findall(r"(?:[Ll]ook|then) at ([A-Z][\w/]*(?: \w+)*)", text)
    assert named
    assert [each for each in named if not each.startswith(tuple(titles))] == []
