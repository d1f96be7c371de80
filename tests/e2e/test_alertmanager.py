"""The example configurations: real programs accept them; routes and inhibition are as intended."""

import asyncio
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter.rules.alert import LABELS, Alert
from exporter.rules.document import alerts
from exporter.rules.thresholds import Thresholds
from tests.support.alertmanager import EXAMPLE, Alertmanager, alerting
from tests.support.process import PATIENCE
from tests.support.programs import finished
from tools.docs.pages import ROOT

ALERTS = alerts(Thresholds())
RECEIVERS = {"critical": "on-call", "warning": "team", "info": "none"}


async def test_prometheus_accepts_its_example_with_the_rules() -> None:
    example = ROOT / "prometheus" / "examples" / "prometheus.yml"
    status, output = await finished("promtool", "check", "config", str(example))
    assert (status, re.findall(r"(\d+) rule files found", output)) == (0, ["1"]), output


async def test_alertmanager_accepts_its_example() -> None:
    status, output = await finished("amtool", "check-config", str(EXAMPLE))
    assert status == 0, output


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.severity}")
async def test_each_alert_reaches_the_receiver_of_its_severity(alert: Alert) -> None:
    labels = (f"{label}={value}" for label, value in labelled(alert.name, alert.severity).items())
    status, output = await finished(
        *("amtool", "config", "routes", "test", f"--config.file={EXAMPLE}", *labels)
    )
    assert status == 0, output
    assert output.splitlines()[-1] == RECEIVERS[alert.severity]


def labelled(name: str, severity: str = "", **others: str) -> dict[str, str]:
    """Return the labels of an alert as the rules set them, with `others` in place of some."""
    (alert, *_) = (a for a in ALERTS if a.name == name and severity in ("", a.severity))
    identity = {label: f"some {label}" for label in identifying(name)}
    job = {} if name == "UltravoxExporterAbsent" else {"job": "ultravox-batch-exporter"}
    instance = {"instance": "localhost:10110"} if name == "UltravoxExporterDown" else {}
    given = {"alertname": name, "severity": alert.severity}
    return given | job | instance | identity | others


def identifying(name: str) -> tuple[str, ...]:
    """Return the labels that identify the subject of an alert."""
    if name.startswith("UltravoxBatch"):
        return LABELS["batch"]
    if name in ("UltravoxDataStale", "UltravoxAgentTruncated"):
        return LABELS["agent"]
    return () if name.startswith("UltravoxExporter") else ("account",)


def with_another_subject(name: str, severity: str = "") -> list[dict[str, str]]:
    """Return the labels of alerts that differ in one identifying label each."""
    return [labelled(name, severity, **{each: f"other {each}"}) for each in LABELS["batch"]]


def key(labels: dict[str, str]) -> str:
    """Return a short name of an alert's labels."""
    words = [labels["alertname"].removeprefix("Ultravox"), labels["severity"]]
    others = [value for value in labels.values() if value.startswith("other")]
    return " ".join([*words, *others])


class Case(NamedTuple):
    """Alerts that fire at the same time, and the keys of those that must be hidden."""

    name: str
    fires: list[dict[str, str]]
    hidden: set[str]


PAUSED, STALLED, NOT_STARTED, WILL_MISS = (
    f"UltravoxBatch{each}" for each in ("Paused", "Stalled", "NotStarted", "WillMissWindow")
)

CASES = (
    Case(
        "critical hides warning",
        [
            labelled(PAUSED, "critical"),
            labelled(PAUSED, "warning"),
            *with_another_subject(PAUSED, "warning"),
            labelled("UltravoxBatchClosedWithCallsLeft"),
        ],
        {"BatchPaused warning"},
    ),
    Case(
        "not started hides stalled and will-miss",
        [
            labelled(NOT_STARTED),
            labelled(STALLED),
            labelled(WILL_MISS, "critical"),
            *with_another_subject(STALLED),
            labelled("UltravoxBatchManyErrors"),
        ],
        {"BatchStalled critical", "BatchWillMissWindow critical"},
    ),
    Case(
        "stalled hides will-miss",
        [
            labelled(STALLED),
            labelled(WILL_MISS, "warning"),
            *with_another_subject(WILL_MISS, "warning"),
            labelled(PAUSED, "warning", batch_id="other batch"),
        ],
        {"BatchWillMissWindow warning"},
    ),
    Case(
        "paused hides not started, stalled and will-miss",
        [
            labelled(PAUSED, "warning"),
            labelled(NOT_STARTED),
            labelled(STALLED),
            labelled(WILL_MISS, "warning"),
            *with_another_subject(STALLED),
        ],
        {"BatchNotStarted critical", "BatchStalled critical", "BatchWillMissWindow warning"},
    ),
    Case(
        "down hides absent, and no stale data: those are served by another exporter",
        [
            labelled("UltravoxExporterDown", "critical"),
            labelled("UltravoxExporterAbsent"),
            labelled("UltravoxDataStale"),
        ],
        {"ExporterAbsent critical"},
    ),
    Case(
        "down hides the warning of the same exporter",
        [
            labelled("UltravoxExporterDown", "critical"),
            labelled("UltravoxExporterDown", "warning"),
            labelled("UltravoxExporterDown", "warning", instance="other instance"),
        ],
        {"ExporterDown warning"},
    ),
    *(
        Case(
            f"{cause} hides stale of its account",
            [
                labelled(f"UltravoxAPI{cause}"),
                labelled("UltravoxDataStale"),
                labelled("UltravoxDataStale", account="other account"),
                labelled(STALLED),
            ],
            {"DataStale warning"},
        )
        for cause in ("KeyRejected", "Unreachable", "Errors", "RateLimited")
    ),
    Case(
        "the concurrency limit hides nothing",
        [
            labelled("UltravoxAccountAtConcurrencyLimit"),
            *(labelled(each) for each in (STALLED, "UltravoxDataStale", "UltravoxNoBatches")),
        ],
        set(),
    ),
)


SENTINEL = "the alert sent last"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_alerts_that_another_explains_are_hidden(tmp_path: Path, case: Case) -> None:
    """Alertmanager itself decides, for alerts that fire at the same time."""
    config = tmp_path / "alertmanager.yml"
    config.write_text(EXAMPLE.read_text())
    async with alerting(config) as alertmanager:
        await alertmanager.fire(case.fires)
        assert await suppressed(alertmanager) == case.hidden
        known = {key(alert["labels"]) for alert in await alertmanager.alerts()}
        assert {key(alert) for alert in case.fires} <= known


async def suppressed(alertmanager: Alertmanager) -> set[str]:
    """Return the alerts that are inhibited, once Alertmanager has processed all sent so far.

    It processes alerts in order: once an alert that is sent last and must be hidden is hidden, all
    alerts before it are processed.
    """
    severities = ("critical", "warning")
    await alertmanager.fire(labelled(PAUSED, each, batch_id=SENTINEL) for each in severities)
    async with asyncio.timeout(PATIENCE):
        while True:
            hidden = [
                a["labels"] for a in await alertmanager.alerts() if a["status"]["inhibitedBy"]
            ]
            others = {key(labels) for labels in hidden if labels.get("batch_id") != SENTINEL}
            if len(others) < len(hidden):
                return others
            await asyncio.sleep(0.05)
