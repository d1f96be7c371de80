"""Prometheus 2 and 3 load the rules, every scenario passes, and alerts have the right texts."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from exporter.rules.thresholds import Links
from tests.rules import GROUPS, batches
from tests.rules.document import render
from tests.rules.world import Batch, Exporter, scraped, steady, written
from tests.support.programs import require, require_3
from tools.docs.pages import ROOT
from tools.rule_mutants.mutants import Mutant, bundled_rules
from tools.rule_mutants.trial import failing_scenarios, is_noticed

FOLDER = ROOT / "prometheus"
RULES = FOLDER / "ultravox.rules.yml"
both = pytest.mark.parametrize("find", [require, require_3], ids=["2", "3"])


def promtool(program: str, *words: str | Path) -> tuple[int, str]:
    """Run promtool; return its exit status and its output."""
    ended = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


@both
def test_the_rules_load_and_pass_every_scenario(find: Callable[[str], str], tmp_path: Path) -> None:
    program = find("promtool")
    status, output = promtool(program, "check", "rules", RULES)
    assert (status, "SUCCESS" in output) == (0, True), output
    path = tmp_path / "scenarios.yml"
    path.write_text(render(GROUPS, str(RULES)), "utf-8")
    status, output = promtool(program, "test", "rules", path)
    assert status == 0, output


@both
def test_a_configuration_may_load_every_rule_file_of_the_folder(
    find: Callable[[str], str], tmp_path: Path
) -> None:
    """`rule_files: [prometheus/*.yml]`: the folder has no other YAML file."""
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(FOLDER / "*.yml")]}), "utf-8")
    status, output = promtool(find("promtool"), "check", "config", path)
    assert (status, "1 rule files found" in output) == (0, True), output


def test_a_missing_guard_is_noticed() -> None:
    """With every guard no scenario fails; `make mutants` removes each guard in turn."""
    program, rules = require("promtool"), bundled_rules()
    assert not failing_scenarios(rules, batches.STALLS, None, program)
    place = next(
        place for place, rule in enumerate(rules) if rule.get("alert") == "UltravoxBatchStalled"
    )
    unguarded = {**rules[place], "expr": rules[place]["expr"].split("\n")[0]}
    assert is_noticed(rules, Mutant(place, unguarded, ""), program, {})


HALTED = Batch(completed=steady(30, until=20), calls=3000, created=-1, end=150)
LINK = "http://localhost:3000/d/ultravox-batches?from=now-6h&to=now&var-account=Acme+%26+Co"
BATCH_LINK = f"{LINK}&var-agent=a&var-batch=b"


class Text(NamedTuple):
    """An alert, and its texts."""

    alert: str
    labels: dict[str, str]
    summary: str
    description: str
    link: str


TEXTS = (
    Text(
        "UltravoxBatchStalled",
        {"agent_id": "a", "batch_id": "b", "severity": "critical"},
        "Batch b of Renewals (Acme & Co) is stalled: 2400 calls remaining, none completed for 15m",
        "The window of the batch is open and the batch is not paused, but no call was completed for"
        " 15m. 600 of 3000 calls are completed. The window ends at 1970-01-01 02:30:00 +0000 UTC."
        " First check whether the account is at its concurrency limit. If it is not, ask Ultravox"
        " about this batch.",
        BATCH_LINK,
    ),
    Text(
        "UltravoxBatchWillMissWindow",
        {"agent_id": "a", "batch_id": "b", "severity": "warning"},
        "Batch b of Renewals (Acme & Co) will miss its window: 80% of its calls will remain at the"
        " current completion rate",
        "600 of 3000 calls are completed. The completion rate is 0.0 calls per minute, measured"
        " over the last 30m or since the batch opened. The window ends at 1970-01-01 02:30:00 +0000"
        " UTC. About 2400 calls will not be made. First check the account's concurrency limit, then"
        " the batch's throttle.",
        BATCH_LINK,
    ),
    Text(
        "UltravoxDataStale",
        {"severity": "warning"},
        "The data of account Acme & Co are stale: last successful account probe 1h 10m 0s ago",
        "The data are older than 3 poll intervals. Read the reason in the exporter's log. If there"
        " is none, check whether more requests are planned than allowed.",
        LINK,
    ),
)


def texts_at(minute: int, *, named: bool) -> dict[str, object]:
    """Return a test for promtool of the texts that the alerts have at a minute."""
    success = "ultravox_account_last_success_timestamp_seconds"
    polled = Exporter(
        batches=(HALTED,), account="Acme & Co", extra={success: lambda at: 60 * min(at, 0.0)}
    )
    series = [
        {"series": name, "values": written(samples)}
        for name, samples in scraped((polled,), minute)
        if named or not name.startswith("ultravox_agent_info")
    ]
    return {
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": [_expected(each, minute, named=named) for each in TEXTS],
    }


def _expected(text: Text, minute: int, *, named: bool) -> dict[str, object]:
    annotations = {
        "summary": text.summary if named else text.summary.replace("Renewals", "a"),
        "description": text.description,
        "runbook_url": f"{Links().runbook_url}/{text.alert}.md",
        "dashboard_url": text.link,
    }
    labels = {"account": "Acme & Co", "job": "ultravox", **text.labels}
    return {
        "eval_time": f"{minute}m",
        "alertname": text.alert,
        "exp_alerts": [{"exp_labels": labels, "exp_annotations": annotations}],
    }


@pytest.mark.parametrize("named", [True, False], ids=["named", "by id"])
@both
def test_an_alert_has_values_and_links(
    find: Callable[[str], str], named: bool, tmp_path: Path
) -> None:
    """It has the agent's name, or the id where no series has the name."""
    path = tmp_path / "texts.yml"
    test = texts_at(70, named=named)
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}
    path.write_text(yaml.safe_dump(document), "utf-8")
    status, output = promtool(find("promtool"), "test", "rules", path)
    assert status == 0, output
