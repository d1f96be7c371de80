"""All steps of the measurement, from a seed to findings."""

from collections.abc import Iterator, Mapping

from tools.alert_truth.dialling import DialledCampaign
from tools.alert_truth.evaluate import alerts_fired, metrics_read
from tools.alert_truth.history import history_of
from tools.alert_truth.random_scenarios import scenarios
from tools.alert_truth.score import Finding, findings


def measure(
    promtool: str, rules: Mapping[str, object], seed: int, campaigns: int
) -> Iterator[Finding]:
    """Yield what is right and wrong about the alerts on this number of random campaigns."""
    metrics = metrics_read(rules)
    drawn = [
        (scenario, [DialledCampaign(campaign) for campaign in scenario.campaigns])
        for scenario in scenarios(seed, campaigns)
    ]
    histories = (
        (scenario.length, history_of(scenario, dialled, metrics)) for scenario, dialled in drawn
    )
    fired = alerts_fired(promtool, rules, histories)
    for scenario, dialled in drawn:
        yield from findings(scenario, dialled, fired)
