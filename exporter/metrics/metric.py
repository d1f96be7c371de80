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

Labels: TypeAlias = Iterable[tuple[str, str]]
"""(name, value) pairs, in the order in which they are written."""

Sample: TypeAlias = tuple[str, float]
"""The labels beyond the subject's identity as `labels` writes them, and the value."""


def labels(pairs: Labels) -> str:
    """Return the pairs as they stand between braces, values escaped."""
    return ",".join([f'{name}="{escaped(value)}"' for name, value in pairs])


def escaped(value: str) -> str:
    """Return a label's value as it stands between quotes."""
    # Several times as fast as str.translate where, as nearly always, nothing is to be escaped.
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


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
    """A family with one sample at most for one subject at one time (seconds since the epoch).

    `value` returns None where it is unknown. Where it falls by a second each second, `zero_at`
    returns the time at which it will be 0, else None.
    """

    value: Callable[[Subject, float], float | None]
    _: KW_ONLY
    zero_at: Callable[[Subject, float], float | None] | None = None


@dataclass(frozen=True, slots=True)
class LabelledMetric(Family, Generic[Subject]):
    """A family with any number of samples for one subject at one time, told apart by labels."""

    samples: Callable[[Subject, float], Iterable[Sample]]


AnyMetric: TypeAlias = Metric[Subject] | LabelledMetric[Subject]


def by(label: str, values: Iterable[tuple[str, float]]) -> Iterable[Sample]:
    """Return a sample a value, told apart by one further label."""
    return ((labels(((label, key),)), value) for key, value in values)
