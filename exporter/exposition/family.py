"""What a metric is: its family, and how its samples are made."""

from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

ACCOUNT = ("account",)
AGENT = (*ACCOUNT, "agent_id")
BATCH = (*AGENT, "batch_id")
"""Identity labels: what never changes for an object."""

Kind: TypeAlias = Literal["gauge", "counter", "histogram"]

Stability: TypeAlias = Literal["stable", "experimental"]
"""Whether name and labels stay within a major version, or may change in a minor one."""

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""(name, value) pairs, in the order in which they are written."""

Sample: TypeAlias = tuple[Labels, float]
"""The labels beyond the subject's identity, and the value."""


@dataclass(frozen=True, slots=True)
class Family:
    """What a metric is called and means. `labels` are all of its labels' names, identity first."""

    name: str
    help: str
    labels: tuple[str, ...]
    _: KW_ONLY
    kind: Kind = "gauge"
    stability: Stability = "stable"

    @property
    def unit(self) -> str:
        """The base unit, which by convention ends the name; empty without one."""
        return "seconds" if self.name.removesuffix("_total").endswith("_seconds") else ""


Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Metric(Family, Generic[Subject]):
    """A family, and its samples for one subject at one time (seconds since the epoch)."""

    samples: Callable[[Subject, float], Iterable[Sample]]


def one(value: float | None) -> Iterable[Sample]:
    """Return a sample without further labels, or none where the value is unknown."""
    return () if value is None else (((), value),)


def by(label: str, values: Iterable[tuple[str, float]]) -> Iterable[Sample]:
    """Return a sample a value, told apart by one further label."""
    return ((((label, key),), value) for key, value in values)
