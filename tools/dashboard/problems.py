"""What is wrong with a batch, as the alert rules see it at this moment."""

from dataclasses import dataclass

from exporter.rules.thresholds import Thresholds
from tools.dashboard.queries import LEFT_AT_CLOSE, RAW, by_batch, known

AT = Thresholds()
DAY = 86_400

NOT_STARTED = RAW.not_started(AT.not_started_after)
STALLED = RAW.stalled(AT.stalled_after)
STANDING = f"{NOT_STARTED}\nor {STALLED}"
"""Both: batches that should be calling, and don't."""

SLOW = f"({LEFT_AT_CLOSE} / {RAW.calls()} > {AT.miss_share:g})\nunless ({STANDING})"
OVER = f"{RAW.ended()} or {RAW.window_end()} <= time()"
CALLABLE = f"{known(RAW.left())}\nunless ({OVER})"
"""Calls left of batches that are not over."""

PAUSED = f"{CALLABLE}\nand {RAW.left()} > 0\nand {RAW.paused()} == 1"
MISSED = RAW.closed(DAY)


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
