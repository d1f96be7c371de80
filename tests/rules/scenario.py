"""A world, and which alerts fire in it and when."""

from dataclasses import dataclass

from tests.rules.world import Exporter

Fires = dict[tuple[int, int], tuple[str, ...]]
"""All that fires from the first minute to the last: each alert's name without its prefix, severity,
agent and batch."""


def during(first: int, last: int, *alerts: str) -> Fires:
    """Return what fires from the first minute to the last, in each of them."""
    return {(first, last): alerts}


@dataclass(frozen=True)
class Scenario:
    """`fires` has all that fires at a time, of the alerts whose name matches `watched`.

    Each has an account of its own, by the scenario's name, so many can be played at once; but not
    where alerts are about exporters, which have none: those are played `alone`. `silent` is when
    nothing is recorded under a name, `recorded` what is, at a minute.
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
        """How long it takes."""
        return max(last for _, last in self.fires)
