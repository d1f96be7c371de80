"""From a seed to what is to be said of the alerts."""

from collections.abc import Iterator, Mapping

from tools.alert_truth.dialling import Dialled
from tools.alert_truth.draw import scenes
from tools.alert_truth.evaluate import fired, names_read
from tools.alert_truth.history import played
from tools.alert_truth.score import Event, events


def play(promtool: str, rules: Mapping[str, object], seed: int, campaigns: int) -> Iterator[Event]:
    """Yield what is to be said of the alerts of so many campaigns."""
    names = names_read(rules)
    drawn = [(each, [Dialled(c) for c in each.campaigns]) for each in scenes(seed, campaigns)]
    histories = ((scene.length, played(scene, dialled, names)) for scene, dialled in drawn)
    firings = fired(promtool, rules, histories)
    for scene, dialled in drawn:
        yield from events(scene, dialled, firings)
