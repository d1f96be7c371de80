"""A sample of the campaigns that `python -m tests.truth` plays: no false alert, no miss."""

from collections import Counter

from tests.support.programs import require
from tests.truth.__main__ import RULES
from tests.truth.evaluate import batch_rules
from tests.truth.play import play
from tests.truth.report import FEW, WRONG, row_of
from tests.truth.verdicts import JUDGES

SEED, CAMPAIGNS = 1289, 12
"""A small sample with a trouble for each alert; what the rules say of it had no part in the choice."""


def test_the_batch_alerts_of_a_sample_are_true() -> None:
    rules = batch_rules(RULES.read_text("utf-8"))
    events = list(play(require("promtool"), rules, SEED, CAMPAIGNS))
    told = Counter(event.alert for event in events if event.what == "told")
    assert told.keys() == JUDGES.keys()
    clear = [event for event in events if not row_of(event).endswith(FEW)]
    assert [event for event in clear if event.what in WRONG] == []
