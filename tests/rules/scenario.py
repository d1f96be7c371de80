"""A scenario: what Prometheus scrapes, which alerts fire, and when."""

from dataclasses import dataclass

from tests.rules.world import Exporter

Fires = dict[tuple[int, int], tuple[str, ...]]
"""Everything that fires from the first minute to the last: the name of each alert without its
prefix, severity, agent and batch."""


def during(first: int, last: int, *alerts: str) -> Fires:
    """Return what fires from the first minute to the last, in each of them."""
    return {(first, last): alerts}


@dataclass(frozen=True)
class Scenario:
    """`fires` has everything that fires at a time, of the alerts whose name matches `watched`.

    Each scenario has an account of its own, named like the scenario, so one test has many of them.
    Alerts about exporters have no account: their scenarios are in a test `alone`. `silent` has the
    spans in which nothing is recorded under a name, `recorded` what is recorded at a minute.
    """

    name: str
    exporters: tuple[Exporter, ...]
    fires: Fires
    watched: str = "Ultravox.+"
    alone: bool = False
    silent: tuple[tuple[str, int, int], ...] = ()
    recorded: tuple[tuple[str, int, float], ...] = ()

    @property
    def minutes(self) -> int:
        """The length of the scenario, in minutes."""
        return max(last for _, last in self.fires)
