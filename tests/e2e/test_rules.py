"""Prometheus 2 and 3 load the rules and pass their unit tests; the texts of alerts."""

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from exporter.rules.document import groups
from exporter.rules.thresholds import Links, Thresholds
from tests.rules import batches, service
from tests.rules.document import GROUPS, render
from tests.rules.world import Batch, Exporter, scraped, series_values, steady
from tests.support.programs import require, require_3
from tools.docs.pages import ROOT
from tools.rule_mutants.mutants import Mutant, bundled, rule_name
from tools.rule_mutants.trial import failing, killed

FOLDER = ROOT / "prometheus"
RULES = FOLDER / "ultravox.rules.yml"
both = pytest.mark.parametrize("find", [require, require_3], ids=["2", "3"])


def promtool(program: str, *words: str | Path) -> tuple[int, str]:
    """Run promtool; return its exit status and its output."""
    ended = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


@both
def test_the_rules_load_and_pass_their_unit_tests(
    find: Callable[[str], str], tmp_path: Path
) -> None:
    program, tests = find("promtool"), tmp_path / "ultravox.rules.test.yml"
    status, output = promtool(program, "check", "rules", RULES)
    assert (status, "SUCCESS" in output) == (0, True), output
    tests.write_text(render(GROUPS, RULES), "utf-8")
    status, output = promtool(program, "test", "rules", tests)
    assert status == 0, output


OPERATOR = {
    "namespace": "monitoring",
    "service": "ultravox",
    "endpoint": "metrics",
    "container": "exporter",
    "cluster": "eu-1",
    "prometheus": "monitoring/k8s",
}
"""The labels that the Prometheus operator adds to targets, and those of a cluster."""


@pytest.mark.parametrize(
    ("find", "target", "honored"),
    [
        (require, {**OPERATOR, "account": "the cloud's"}, True),
        (require_3, {**OPERATOR, "account": "the cloud's"}, False),
    ],
    ids=["2, honor_labels", "3, exported_account"],
)
def test_the_rules_pass_their_unit_tests_with_any_labels_of_targets(
    find: Callable[[str], str], target: Mapping[str, str], honored: bool, tmp_path: Path
) -> None:
    """Annotations have a test of their own; they take promtool as long as all the rest."""
    rules, tests = tmp_path / "rules.yml", tmp_path / "test.yml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": bundled()}]}), "utf-8")
    groups = [[each.with_labels(target, honored=honored) for each in group] for group in GROUPS]
    tests.write_text(render(groups, rules, order=["all"]), "utf-8")
    status, output = promtool(find("promtool"), "test", "rules", tests)
    assert status == 0, output


def test_alerts_about_exporters_last_for_longer_than_a_day(tmp_path: Path) -> None:
    """All rules would take promtool some 15 seconds for each day."""
    rules, tests = tmp_path / "rules.yml", tmp_path / "test.yml"
    about = [rule for rule in bundled() if re.search("Exporter|served", rule_name(rule))]
    rules.write_text(yaml.safe_dump({"groups": [{"name": "exporters", "rules": about}]}), "utf-8")
    tests.write_text(render([service.LONG], rules, order=["exporters"]), "utf-8")
    status, output = promtool(require("promtool"), "test", "rules", tests)
    assert status == 0, output


def test_a_group_has_at_most_20_rules() -> None:
    """Mimir's limit for a group, unless its owner raised it."""
    for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]:
        assert len(group["rules"]) <= 20, group["name"]


@both
def test_a_glob_over_the_folder_loads_the_rules_and_nothing_else(
    find: Callable[[str], str], tmp_path: Path
) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump({"rule_files": [str(FOLDER / "*.yml")]}), "utf-8")
    status, output = promtool(find("promtool"), "check", "config", config)
    assert (status, re.findall(r"(\d+) rule files found", output)) == (0, ["1"]), output


def test_the_unit_tests_notice_a_missing_condition() -> None:
    """The unchanged rules fail no scenario. `make mutants` removes every condition in turn."""
    program, rules = require("promtool"), bundled()
    assert not failing(rules, batches.STALLS, None, program)
    index = next(
        index for index, rule in enumerate(rules) if rule.get("alert") == "UltravoxBatchStalled"
    )
    unconditional = {**rules[index], "expr": rules[index]["expr"].split("\n")[0]}
    assert killed(rules, Mutant(index, unconditional, ""), program, {})


STALLED = Batch(completed=steady(30, until=20), calls=3000, created=-1, end=150)
LINK = "http://localhost:3000/d/ultravox-batches?from=now-6h&to=now&var-account=Acme+%26+Co"
BATCH_LINK = f"{LINK}&var-agent=a&var-batch=b"


class Texts(NamedTuple):
    """An alert, and its annotations."""

    alert: str
    labels: dict[str, str]
    summary: str
    description: str
    link: str


ALERTS = (
    Texts(
        "UltravoxBatchStalled",
        {"agent_id": "a", "batch_id": "b", "severity": "critical"},
        "Batch b of Renewals (Acme & Co) is stalled: 2400 calls remaining, none completed for 15m",
        "The window of the batch is open and the batch is not paused, but no call was completed for"
        " 15m. 600 of 3000 calls are completed. The window ends at 1970-01-01 02:30:00 +0000 UTC."
        " First check whether the account is at its concurrency limit. If it is not, ask Ultravox"
        " about this batch.",
        BATCH_LINK,
    ),
    Texts(
        "UltravoxBatchWillMissWindow",
        {"agent_id": "a", "batch_id": "b", "severity": "warning"},
        "Batch b of Renewals (Acme & Co) will miss its window: 80% of its calls will remain"
        " at the current completion rate",
        "600 of 3000 calls are completed. The completion rate is 0.0 calls per minute, measured"
        " over the last 30m or since the batch opened. The window ends at 1970-01-01 02:30:00 +0000"
        " UTC. About 2400 calls will not be made. First check the account's concurrency limit and"
        " the batch's throttle.",
        BATCH_LINK,
    ),
    Texts(
        "UltravoxDataStale",
        {"severity": "warning"},
        "The data of account Acme & Co are stale: last successful account probe 1h 10m 0s ago",
        "The data are older than 3 poll intervals. Read the reason in the exporter's log. If there"
        " is none, check whether more requests are planned than allowed.",
        LINK,
    ),
)


def annotated(minute: int, *, named: bool) -> dict[str, object]:
    """Return a promtool test of the texts of ALERTS at a minute."""
    success = "ultravox_account_last_success_timestamp_seconds"
    watching = Exporter(
        batches=(STALLED,), account="Acme & Co", extra={success: lambda at: 60 * min(at, 0.0)}
    )
    series = [
        {"series": name, "values": series_values(samples)}
        for name, samples in scraped((watching,), minute)
        if named or not name.startswith("ultravox_agent_info")
    ]
    return {
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": [_expected(each, minute, named=named) for each in ALERTS],
    }


def _expected(texts: Texts, minute: int, *, named: bool) -> dict[str, object]:
    annotations = {
        "summary": texts.summary if named else texts.summary.replace("Renewals", "a"),
        "description": texts.description,
        "runbook_url": f"{Links().runbook_url}/{texts.alert}.md",
        "dashboard_url": texts.link,
    }
    labels = {"account": "Acme & Co", "job": "ultravox", **texts.labels}
    return {
        "eval_time": f"{minute}m",
        "alertname": texts.alert,
        "exp_alerts": [{"exp_labels": labels, "exp_annotations": annotations}],
    }


@pytest.mark.parametrize("named", [True, False], ids=["named", "by id"])
@both
def test_the_texts_of_an_alert_have_values_and_links(
    find: Callable[[str], str], named: bool, tmp_path: Path
) -> None:
    """They name the agent, or have its id while its name is not known."""
    path = tmp_path / "texts.yml"
    test = annotated(70, named=named)
    order = [group.name for group in groups(Thresholds())]
    document = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "group_eval_order": order,
        "tests": [test],
    }
    path.write_text(yaml.safe_dump(document), "utf-8")
    status, output = promtool(find("promtool"), "test", "rules", path)
    assert status == 0, output
