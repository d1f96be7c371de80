"""A sample of the campaigns of `make truth`: no false alert, and no incident is missed."""

from collections import Counter

from tests.support.programs import require
from tools.alert_truth.__main__ import RULES
from tools.alert_truth.evaluate import batch_rules
from tools.alert_truth.expectations import EXPECTATIONS
from tools.alert_truth.measure import measure
from tools.alert_truth.report import is_clear_mistake

SEED, CAMPAIGNS = 1289, 12
"""Few campaigns, with an incident for each alert. The seed was chosen without running the rules."""


def test_the_batch_alerts_are_right_about_a_sample_of_campaigns() -> None:
    rules = batch_rules(RULES.read_text("utf-8"))
    findings = list(measure(require("promtool"), rules, SEED, CAMPAIGNS))
    reported = Counter(each.alert for each in findings if each.kind == "reported")
    assert reported.keys() == EXPECTATIONS.keys()
    assert list(filter(is_clear_mistake, findings)) == []
