"""Prometheus 2 and 3 load the alert rules and pass their unit tests; what an alert tells."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from exporter.rules.thresholds import Links
from tests.rules import batches
from tests.rules.world import Batch, Exporter, scraped, steady, written
from tests.support.programs import require, require_3
from tools.docs.pages import ROOT
from tools.rule_mutants import __main__ as mutants

FOLDER = ROOT / "prometheus"
RULES = FOLDER / "ultravox.rules.yml"
both = pytest.mark.parametrize("find", [require, require_3], ids=["2", "3"])


def promtool(program: str, *words: str | Path) -> tuple[int, str]:
    """Run promtool; return its exit status and what it said."""
    told = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False)
    return told.returncode, told.stdout + told.stderr


@both
def test_the_rules_load_and_pass_their_tests(find: Callable[[str], str]) -> None:
    program = find("promtool")
    status, told = promtool(program, "check", "rules", RULES)
    assert (status, "SUCCESS" in told) == (0, True), told
    status, told = promtool(program, "test", "rules", FOLDER / "ultravox.rules.test.yml")
    assert status == 0, told


def test_a_guard_that_is_missing_is_noticed() -> None:
    """And with every guard there is nothing to notice: `make mutants` takes each away."""
    program, rules = require("promtool"), mutants.bundled()
    assert not mutants.failing(rules, batches.STALLS, None, program)
    place = next(
        place for place, rule in enumerate(rules) if rule.get("alert") == "UltravoxBatchStalled"
    )
    unguarded = {**rules[place], "expr": rules[place]["expr"].split("\n")[0]}
    assert mutants.noticed(rules, mutants.Mutant(place, unguarded, ""), program, {})


HALTED = Batch(completed=steady(30, until=20), calls=3000, created=-1, end=150)
LINK = "http://localhost:3000/d/ultravox-batches?from=now-6h&to=now&var-account=Acme+%26+Co"
BATCH_LINK = f"{LINK}&var-agent=a&var-batch=b"


class Told(NamedTuple):
    """What an alert tells."""

    alert: str
    labels: dict[str, str]
    summary: str
    description: str
    link: str


TOLD = (
    Told(
        "UltravoxBatchStalled",
        {"agent_id": "a", "batch_id": "b", "severity": "critical"},
        "Batch b of Renewals (Acme & Co) is stalled: 2400 calls left, none completed for 15m",
        "Its window is open and it is not paused, but no call was completed for 15m; 600 of 3000"
        " calls are completed. Its window ends 1970-01-01 02:30:00 +0000 UTC.",
        BATCH_LINK,
    ),
    Told(
        "UltravoxBatchWillMissWindow",
        {"agent_id": "a", "batch_id": "b", "severity": "warning"},
        "Batch b of Renewals (Acme & Co) will miss its window: at its pace, 80% of its calls"
        " will be left",
        "600 of 3000 calls are completed, and 0.0 a minute were completed over the last 30m, or"
        " since it began. Its window ends 1970-01-01 02:30:00 +0000 UTC. Then about 2400 calls will"
        " not have been made.",
        BATCH_LINK,
    ),
    Told(
        "UltravoxDataStale",
        {"severity": "warning"},
        "What is known of account Acme & Co is old",
        "It last answered 1h 10m 0s ago, too long for its own cadence.",
        LINK,
    ),
)


def told_at(minute: int, *, named: bool) -> dict[str, object]:
    """Return a promtool test of what the alerts of TOLD tell at a minute."""
    success = "ultravox_account_last_success_timestamp_seconds"
    watching = Exporter(
        batches=(HALTED,), account="Acme & Co", extra={success: lambda at: 60 * min(at, 0.0)}
    )
    series = [
        {"series": name, "values": written(samples)}
        for name, samples in scraped((watching,), minute)
        if named or not name.startswith("ultravox_agent_info")
    ]
    return {
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": [_expected(each, minute, named=named) for each in TOLD],
    }


def _expected(told: Told, minute: int, *, named: bool) -> dict[str, object]:
    annotations = {
        "summary": told.summary if named else told.summary.replace("Renewals", "a"),
        "description": told.description,
        "runbook_url": f"{Links().runbook_url}/{told.alert}.md",
        "dashboard_url": told.link,
    }
    labels = {"account": "Acme & Co", "job": "ultravox", **told.labels}
    return {
        "eval_time": f"{minute}m",
        "alertname": told.alert,
        "exp_alerts": [{"exp_labels": labels, "exp_annotations": annotations}],
    }


@pytest.mark.parametrize("named", [True, False], ids=["named", "by id"])
@both
def test_an_alert_tells_values_and_where_to_look(
    find: Callable[[str], str], named: bool, tmp_path: Path
) -> None:
    """The agent by its name, or by its id where nobody says it."""
    path = tmp_path / "told.yml"
    test = told_at(70, named=named)
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}
    path.write_text(yaml.safe_dump(document), "utf-8")
    status, told = promtool(find("promtool"), "test", "rules", path)
    assert status == 0, told
