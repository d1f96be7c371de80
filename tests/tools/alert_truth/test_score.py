"""The measurement finds every kind of mistake, and reads only metrics that the exporter has."""

from collections import Counter

from exporter.metrics.agent import AGENT_METRICS
from exporter.metrics.batch import BATCH_METRICS
from tools.alert_truth.__main__ import RULES
from tools.alert_truth.campaigns import HOUR, Campaign, ExporterProcess, Phase, Scenario, Span
from tools.alert_truth.dialling import DialledCampaign
from tools.alert_truth.evaluate import Fired, batch_rules, metrics_read
from tools.alert_truth.expectations import EXPECTATIONS
from tools.alert_truth.random_scenarios import scenarios
from tools.alert_truth.score import findings

LENGTH = 6 * HOUR
EXPORTER = ExporterProcess("i", "p", Span(0, LENGTH), 1.0, 15.0, 30.0, frozenset())


def found(campaign: Campaign, fired: Fired, *outages: Span) -> list[tuple[str, str]]:
    """Return the findings about one campaign: the kind of each, and its alert."""
    scenario = Scenario("agent", LENGTH, (campaign,), (EXPORTER,), outages)
    return [
        (finding.kind, finding.alert)
        for finding in findings(scenario, [DialledCampaign(campaign)], fired)
    ]


def stalled_campaign(**changes: object) -> Campaign:
    """Return a campaign that completes no call for an hour, one hour after its window opens."""
    phases = (Phase(0, 0.2), Phase(HOUR, 0), Phase(2 * HOUR, 0.2))
    return Campaign(
        "b",
        seed=1,
        total=100_000,
        created=0.0,
        phases=phases,
        even=True,
        **changes,  # type: ignore[arg-type]  # a wrong name or type raises here
    )


STALLED = ("UltravoxBatchStalled", "b")


def test_no_alert_is_a_miss_and_one_alert_in_time_is_right() -> None:
    assert found(stalled_campaign(), {}) == [("missed", STALLED[0])]
    right = Span(76.0 * 60, 121.0 * 60)
    assert found(stalled_campaign(), {STALLED: [right]}) == [("reported", STALLED[0])]


def test_an_alert_before_its_incident_or_long_after_it_is_false() -> None:
    for span in (Span(HOUR - 300, HOUR), Span(76 * 60.0, 150 * 60.0)):
        assert ("false", STALLED[0]) in found(stalled_campaign(), {STALLED: [span]})


def test_an_incident_reported_twice_is_a_mistake_except_across_a_long_outage() -> None:
    twice = [Span(76 * 60.0, 90 * 60.0), Span(100 * 60.0, 121 * 60.0)]
    assert ("repeated", STALLED[0]) in found(stalled_campaign(), {STALLED: twice})
    long = Span(85 * 60.0, 98 * 60.0)
    assert ("repeated", STALLED[0]) not in found(stalled_campaign(), {STALLED: twice}, long)
    within = Span(86 * 60.0, 88 * 60.0)
    assert ("repeated", STALLED[0]) not in found(stalled_campaign(), {STALLED: twice}, long, within)
    short = Span(85 * 60.0, 94 * 60.0)
    assert ("repeated", STALLED[0]) in found(stalled_campaign(), {STALLED: twice}, short)


def test_an_incident_during_an_outage_is_not_missed() -> None:
    assert found(stalled_campaign(), {}, Span(70 * 60.0, 125 * 60.0)) == []


def test_a_stall_that_starts_in_an_outage_is_seen_at_its_end() -> None:
    outage = Span(50 * 60.0, 65 * 60.0)
    assert found(stalled_campaign(), {}, outage) == [("missed", STALLED[0])]
    short = stalled_campaign(window_end=88 * 60.0)
    assert ("missed", STALLED[0]) not in found(short, {}, outage)
    assert ("missed", STALLED[0]) in found(short, {})


def test_rules_that_never_fire_miss_every_kind_of_incident() -> None:
    counts = Counter[tuple[str, str]]()
    for scenario in scenarios(1, 60):
        dialled = [DialledCampaign(campaign) for campaign in scenario.campaigns]
        counts.update((each.kind, each.alert) for each in findings(scenario, dialled, {}))
    assert {alert for _, alert in counts} == EXPECTATIONS.keys()
    assert {kind for kind, _ in counts} == {"missed"}


def test_rules_that_always_fire_give_false_alerts_of_every_kind() -> None:
    counts = Counter[tuple[str, str]]()
    for scenario in scenarios(1, 60):
        dialled = [DialledCampaign(campaign) for campaign in scenario.campaigns]
        always: Fired = {
            (alert, campaign.batch_id): [Span(0, scenario.length)]
            for alert in EXPECTATIONS
            for campaign in scenario.campaigns
        }
        counts.update((each.kind, each.alert) for each in findings(scenario, dialled, always))
    assert {alert for kind, alert in counts if kind == "false"} == EXPECTATIONS.keys()
    assert "missed" not in {kind for kind, _ in counts}


def test_the_rules_read_only_metrics_that_the_exporter_serves() -> None:
    names = metrics_read(batch_rules(RULES.read_text("utf-8")))
    assert names
    assert names <= {metric.name for metric in (*BATCH_METRICS, *AGENT_METRICS)}
