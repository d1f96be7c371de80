"""A scenario: what exporters serve over time, and which alerts then fire."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.rules.world import Exporter

Fires = dict[tuple[int, int], tuple[str, ...]]
"""The alerts that fire in each minute from the first to the last of a span.

Each is its name without the prefix, its severity, agent and batch, separated by spaces.
"""


def during(first: int, last: int, *alerts: str) -> Fires:
    """Return that these alerts, and no others, fire in each minute of a span."""
    return {(first, last): alerts}


@dataclass(frozen=True)
class Scenario:
    """A scenario for one promtool test.

    `fires` has every alert that fires in its spans, of those whose name matches the regular
    expression `matching`. Many scenarios share one test, each with targets of its own label. An
    alert about all exporters has no label: its scenarios have a test of their own (`alone`).
    `silent` lists recorded names without a sample from one minute to another, `recorded` their
    values at a minute.
    """

    name: str
    exporters: tuple[Exporter, ...]
    fires: Fires
    matching: str = "Ultravox.+"
    alone: bool = False
    silent: tuple[tuple[str, int, int], ...] = ()
    recorded: tuple[tuple[str, int, float], ...] = ()

    def with_labels(self, target: Mapping[str, str], *, honored: bool) -> "Scenario":
        """Return the same scenario with further labels of the scrape targets."""
        return replace(
            self,
            exporters=tuple(
                replace(each, target={**target, **each.target}, honored=honored)
                for each in self.exporters
            ),
        )

    @property
    def minutes(self) -> int:
        """Return the length of the scenario in minutes."""
        return max(last for _, last in self.fires)
