"""A sample of the campaigns that `python -m tools.alert_truth` plays: no false alert, no miss."""

from collections import Counter

from tests.support.programs import require
from tools.alert_truth.__main__ import RULES
from tools.alert_truth.evaluate import batch_rules
from tools.alert_truth.play import play
from tools.alert_truth.report import clearly_wrong
from tools.alert_truth.verdicts import JUDGES

SEED, CAMPAIGNS = 1289, 12
"""Few, with a trouble for each alert. What the rules say of them had no part in the choice."""


def test_the_batch_alerts_of_a_sample_are_true() -> None:
    rules = batch_rules(RULES.read_text("utf-8"))
    events = list(play(require("promtool"), rules, SEED, CAMPAIGNS))
    told = Counter(event.alert for event in events if event.what == "told")
    assert told.keys() == JUDGES.keys()
    assert list(filter(clearly_wrong, events)) == []
