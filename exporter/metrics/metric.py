"""What a metric is: its family (name, type, labels, HELP text) and how its samples are made."""

from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

ACCOUNT = ("account",)
AGENT = (*ACCOUNT, "agent_id")
BATCH = (*AGENT, "batch_id")
"""Identity labels. They never change for an object."""

Kind: TypeAlias = Literal["gauge", "counter", "histogram"]

Stability: TypeAlias = Literal["stable", "experimental"]
"""Stable: name and labels change in a major version only. Experimental: in a minor version."""

Labels: TypeAlias = Iterable[tuple[str, str]]
"""(name, value) pairs, in the order in which they are written."""

Sample: TypeAlias = tuple[str, float]
"""The labels besides the identity labels, as `labels` writes them, and the value."""


def labels(pairs: Labels) -> str:
    """Return the pairs as Prometheus text without braces, values escaped."""
    return ",".join([f'{name}="{escaped(value)}"' for name, value in pairs])


def escaped(value: str) -> str:
    """Return a label value as Prometheus text without quotes."""
    # Nearly always there is nothing to escape; then this is several times as fast as str.translate.
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


@dataclass(frozen=True, slots=True)
class Family:
    """What a metric is called and means.

    `meaning` is one sentence without a full stop: what the value is, its unit, when it is absent.
    `labels` are the names of all labels, identity labels first. `api` are the fields of the API
    from which the value is made, in the order in which they are read.
    """

    name: str
    meaning: str
    labels: tuple[str, ...]
    _: KW_ONLY
    kind: Kind = "gauge"
    stability: Stability = "stable"
    api: tuple[str, ...] = ()

    @property
    def help(self) -> str:
        """Return the HELP text: the meaning, and the fields of the API."""
        return f"{self.meaning} (API: {', '.join(self.api)})." if self.api else f"{self.meaning}."

    @property
    def unit(self) -> str:
        """Return the base unit, with which the name ends by convention; empty without a unit."""
        return "seconds" if self.name.removesuffix("_total").endswith("_seconds") else ""


Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Metric(Family, Generic[Subject]):
    """A family with at most one sample for one subject.

    `value` takes the subject and the time of the scrape (seconds since the epoch), and returns None
    where the value is unknown or not applicable. `zero_at` is for a countdown, a value that falls
    by one per second: it returns the time at which the value reaches 0 (seconds since the epoch),
    None where the value does not change with time.
    """

    value: Callable[[Subject, float], float | None]
    _: KW_ONLY
    zero_at: Callable[[Subject, float], float | None] | None = None


@dataclass(frozen=True, slots=True)
class LabelledMetric(Family, Generic[Subject]):
    """A family with any number of samples for one subject, which differ in further labels.

    `samples` takes the subject and the time of the scrape (seconds since the epoch).
    """

    samples: Callable[[Subject, float], Iterable[Sample]]


AnyMetric: TypeAlias = Metric[Subject] | LabelledMetric[Subject]


def samples_by(label: str, values: Iterable[tuple[str, float]]) -> Iterable[Sample]:
    """Return one sample for each (label value, sample value) pair."""
    return ((labels(((label, key),)), value) for key, value in values)
