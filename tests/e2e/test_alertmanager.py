"""The example configurations: real programs accept them, and alerts reach the right receiver."""

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
RECEIVERS = {"critical": "on-call", "warning": "morning", "info": "quiet"}


async def test_prometheus_accepts_its_example_with_the_rules() -> None:
    status, said = await finished(
        "promtool", "check", "config", str(ROOT / "prometheus" / "examples" / "prometheus.yml")
    )
    assert (status, re.findall(r"(\d+) rule files found", said)) == (0, ["1"]), said


async def test_alertmanager_accepts_its_example() -> None:
    status, said = await finished("amtool", "check-config", str(EXAMPLE))
    assert status == 0, said


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.severity}")
async def test_each_alert_reaches_those_of_its_severity(alert: Alert) -> None:
    labels = (f"{label}={value}" for label, value in labelled(alert.name, alert.severity).items())
    status, said = await finished(
        *("amtool", "config", "routes", "test", f"--config.file={EXAMPLE}", *labels)
    )
    assert status == 0, said
    assert said.splitlines()[-1] == RECEIVERS[alert.severity]


def labelled(name: str, severity: str = "", **others: str) -> dict[str, str]:
    """Return the labels of an alert as the rules give them, with some values of one's own."""
    (alert, *_) = (a for a in ALERTS if a.name == name and severity in ("", a.severity))
    identity = {label: f"some {label}" for label in identifying(name)}
    job = {} if name == "UltravoxExporterAbsent" else {"job": "ultravox-batch-exporter"}
    instance = {"instance": "localhost:10110"} if name == "UltravoxExporterDown" else {}
    given = {"alertname": name, "severity": alert.severity}
    return given | job | instance | identity | others


def identifying(name: str) -> tuple[str, ...]:
    """Return the labels that say what an alert is about."""
    if name.startswith("UltravoxBatch"):
        return LABELS["batch"]
    if name in ("UltravoxDataStale", "UltravoxAgentTruncated"):
        return LABELS["agent"]
    return () if name.startswith("UltravoxExporter") else ("account",)


def elsewhere(name: str, severity: str = "") -> list[dict[str, str]]:
    """Return the labels of alerts that are about something else in one of their labels each."""
    return [labelled(name, severity, **{each: f"other {each}"}) for each in LABELS["batch"]]


def key(labels: dict[str, str]) -> str:
    """Return a short name of an alert's labels."""
    words = [labels["alertname"].removeprefix("Ultravox"), labels["severity"]]
    others = [value for value in labels.values() if value.startswith("other")]
    return " ".join([*words, *others])


class World(NamedTuple):
    """Alerts that fire at the same time, and the keys of those that are to be hidden."""

    name: str
    fires: list[dict[str, str]]
    hidden: set[str]


PAUSED, STALLED, NOT_STARTED, WILL_MISS = (
    f"UltravoxBatch{each}" for each in ("Paused", "Stalled", "NotStarted", "WillMissWindow")
)

WORLDS = (
    World(
        "critical hides warning",
        [
            labelled(PAUSED, "critical"),
            labelled(PAUSED, "warning"),
            *elsewhere(PAUSED, "warning"),
            labelled("UltravoxBatchClosedWithCallsLeft"),
        ],
        {"BatchPaused warning"},
    ),
    World(
        "not started hides stalled and will-miss",
        [
            labelled(NOT_STARTED),
            labelled(STALLED),
            labelled(WILL_MISS, "critical"),
            *elsewhere(STALLED),
            labelled("UltravoxBatchManyErrors"),
        ],
        {"BatchStalled critical", "BatchWillMissWindow critical"},
    ),
    World(
        "stalled hides will-miss",
        [
            labelled(STALLED),
            labelled(WILL_MISS, "warning"),
            *elsewhere(WILL_MISS, "warning"),
            labelled(PAUSED, "warning", batch_id="other batch"),
        ],
        {"BatchWillMissWindow warning"},
    ),
    World(
        "paused hides what follows from it",
        [
            labelled(PAUSED, "warning"),
            labelled(NOT_STARTED),
            labelled(STALLED),
            labelled(WILL_MISS, "warning"),
            *elsewhere(STALLED),
        ],
        {"BatchNotStarted critical", "BatchStalled critical", "BatchWillMissWindow warning"},
    ),
    World(
        "down hides absent and stale",
        [
            labelled("UltravoxExporterDown"),
            labelled("UltravoxExporterAbsent"),
            labelled("UltravoxDataStale"),
        ],
        {"ExporterAbsent critical", "DataStale warning"},
    ),
    *(
        World(
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
    World(
        "the limit explains and hides nothing",
        [
            labelled("UltravoxAccountAtConcurrencyLimit"),
            *(labelled(each) for each in (STALLED, "UltravoxDataStale", "UltravoxNoBatches")),
        ],
        set(),
    ),
)


SENTINEL = "a sentinel of these tests"


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
async def test_inhibition(tmp_path: Path, world: World) -> None:
    """What Alertmanager itself says of alerts that fire together."""
    config = tmp_path / "alertmanager.yml"
    config.write_text(EXAMPLE.read_text())
    async with alerting(config) as alertmanager:
        await alertmanager.fire(world.fires)
        assert await suppressed(alertmanager) == world.hidden
        known = {key(alert["labels"]) for alert in await alertmanager.alerts()}
        assert {key(alert) for alert in world.fires} <= known


async def suppressed(alertmanager: Alertmanager) -> set[str]:
    """Return the alerts that are inhibited, once Alertmanager has handled every alert so far.

    It handles alerts in their order: one that must be inhibited is sent last, and shows when.
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
