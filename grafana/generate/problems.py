"""What is wrong with a batch, as the alert rules see it at this moment."""

from dataclasses import dataclass

from exporter.rules.batches import OBSERVED_SHARE
from exporter.rules.promql import OF_AGENT, group
from exporter.rules.thresholds import Thresholds
from grafana.generate.queries import LEFT_AT_CLOSE, RAW, by_batch, known

AT = Thresholds()
DAY = 86_400

NOT_STARTED = (
    f"{RAW.left()}\nand {RAW.completed()} == 0\nand {group(RAW.open())} >= {AT.not_started_after:g}"
)
STALLED = (
    f"{RAW.unmoved(AT.stalled_after)}\n"
    f"and {OF_AGENT} {RAW.observed(AT.stalled_after)} >= {OBSERVED_SHARE * AT.stalled_after:g}"
)
STANDING = f"{NOT_STARTED}\nor {STALLED}"
"""Both: batches that should be calling, and don't."""

SLOW = f"({LEFT_AT_CLOSE} / {RAW.calls()} > {AT.miss_share:g})\nunless ({STANDING})"
OVER = f"{RAW.ended()} or {RAW.window_end()} <= time()"
CALLABLE = f"{known(RAW.left())}\nunless ({OVER})"
"""Calls left of batches that are not over."""

PAUSED = f"{CALLABLE}\nand {RAW.left()} > 0\nand {RAW.paused()} == 1"
MISSED = (
    f"{RAW.left()} > 0\n"
    f"and time() - {group(RAW.close())} >= 0\n"
    f"and time() - {group(RAW.close())} < {DAY}\n"
    f"and ({group(RAW.fresh())} - {OF_AGENT} group_right () {group(RAW.close())}) > 0"
)


@dataclass(frozen=True)
class Problem:
    """A problem: its rank (the higher, the worse), and how the dashboard shows it."""

    rank: int
    name: str
    colour: str
    batches: str


PROBLEMS = (
    # A batch has the first that fits.
    Problem(4, "Not started", "dark-red", NOT_STARTED),
    Problem(5, "Stalled", "red", STALLED),
    Problem(3, "Too slow", "orange", SLOW),
    Problem(2, "Paused", "yellow", PAUSED),
    Problem(1, "Missed", "purple", MISSED),
)

_RANKS = "\nor ".join(f"0 * ({each.batches}) + {each.rank}" for each in PROBLEMS)

PROBLEM = by_batch(f"({_RANKS})\n+ 0.99 * ({RAW.left()} / {RAW.calls()})")
"""Batches that need attention: the rank, and after the point the share of the calls left."""

LOST = f"({PAUSED}) or ({MISSED})"
"""Calls left of batches that make no more calls."""
