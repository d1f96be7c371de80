"""The judge can be displeased, and reads no metric that the exporter does not have."""

from collections import Counter

from exporter.metrics.agent import AGENT_METRICS
from exporter.metrics.batch import BATCH_METRICS
from tools.alert_truth.__main__ import RULES
from tools.alert_truth.campaigns import HOUR, Campaign, Exporter, Phase, Scene, Span
from tools.alert_truth.dialling import Dialled
from tools.alert_truth.draw import scenes
from tools.alert_truth.evaluate import Firings, batch_rules, names_read
from tools.alert_truth.score import events
from tools.alert_truth.verdicts import JUDGES

LENGTH = 6 * HOUR
WATCHING = Exporter("i", "p", Span(0, LENGTH), 1.0, 15.0, 30.0, frozenset())


def judged(campaign: Campaign, firings: Firings, *outages: Span) -> list[tuple[str, str]]:
    """Return what is said of one campaign: what, of which alert."""
    scene = Scene("agent", LENGTH, (campaign,), (WATCHING,), outages)
    return [(event.what, event.alert) for event in events(scene, [Dialled(campaign)], firings)]


def stalling(**changes: object) -> Campaign:
    """Return a campaign that stands still for an hour, an hour after it opened."""
    phases = (Phase(0, 0.2), Phase(HOUR, 0), Phase(2 * HOUR, 0.2))
    return Campaign(
        "b",
        seed=1,
        total=100_000,
        created=0.0,
        phases=phases,
        even=True,
        **changes,  # type: ignore[arg-type]  # a wrong type raises here
    )


STALLED = ("UltravoxBatchStalled", "b")


def test_a_silence_is_a_miss_and_one_alert_at_its_time_is_right() -> None:
    assert judged(stalling(), {}) == [("missed", STALLED[0])]
    right = Span(76.0 * 60, 121.0 * 60)
    assert judged(stalling(), {STALLED: [right]}) == [("told", STALLED[0])]


def test_an_alert_before_its_time_or_long_after_is_false() -> None:
    for span in (Span(HOUR - 300, HOUR), Span(76 * 60.0, 150 * 60.0)):
        assert ("false", STALLED[0]) in judged(stalling(), {STALLED: [span]})


def test_a_trouble_told_twice_is_told_again_but_for_a_long_outage() -> None:
    twice = [Span(76 * 60.0, 90 * 60.0), Span(100 * 60.0, 121 * 60.0)]
    assert ("again", STALLED[0]) in judged(stalling(), {STALLED: twice})
    long = Span(85 * 60.0, 98 * 60.0)
    assert ("again", STALLED[0]) not in judged(stalling(), {STALLED: twice}, long)
    within = Span(86 * 60.0, 88 * 60.0)
    assert ("again", STALLED[0]) not in judged(stalling(), {STALLED: twice}, long, within)
    short = Span(85 * 60.0, 94 * 60.0)
    assert ("again", STALLED[0]) in judged(stalling(), {STALLED: twice}, short)


def test_a_trouble_that_an_outage_hides_is_no_miss() -> None:
    assert judged(stalling(), {}, Span(70 * 60.0, 125 * 60.0)) == []


def test_a_standstill_that_begins_in_an_outage_is_seen_at_its_end() -> None:
    begun = Span(50 * 60.0, 65 * 60.0)
    assert judged(stalling(), {}, begun) == [("missed", STALLED[0])]
    short = stalling(window_end=88 * 60.0)
    assert ("missed", STALLED[0]) not in judged(short, {}, begun)
    assert ("missed", STALLED[0]) in judged(short, {})


def test_rules_that_say_nothing_miss_every_kind_of_trouble() -> None:
    said = Counter[tuple[str, str]]()
    for scene in scenes(1, 60):
        dialled = [Dialled(campaign) for campaign in scene.campaigns]
        said.update((event.what, event.alert) for event in events(scene, dialled, {}))
    assert {alert for _, alert in said} == JUDGES.keys()
    assert {what for what, _ in said} == {"missed"}


def test_rules_that_always_speak_are_false_of_every_kind() -> None:
    said = Counter[tuple[str, str]]()
    for scene in scenes(1, 60):
        dialled = [Dialled(campaign) for campaign in scene.campaigns]
        always: Firings = {
            (alert, campaign.batch_id): [Span(0, scene.length)]
            for alert in JUDGES
            for campaign in scene.campaigns
        }
        said.update((event.what, event.alert) for event in events(scene, dialled, always))
    assert {alert for what, alert in said if what == "false"} == JUDGES.keys()
    assert "missed" not in {what for what, _ in said}


def test_the_rules_read_what_the_exporter_serves() -> None:
    names = names_read(batch_rules(RULES.read_text("utf-8")))
    assert names
    assert names <= {metric.name for metric in (*BATCH_METRICS, *AGENT_METRICS)}
