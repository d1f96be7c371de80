"""What is wrong with a batch, as the alert rules see it at this moment."""

from dataclasses import dataclass

from exporter.rules.expressions import closed_within, no_progress, not_started, stalled
from tools.dashboard.queries import LEFT_AT_CLOSE, SELECTED, THRESHOLDS, by_batch, known

MISSED_WITHIN = 86_400.0
"""Seconds since the close in which a batch counts as missed."""

NOT_STARTED = not_started(SELECTED, THRESHOLDS.not_started_after)
STALLED = stalled(
    SELECTED, no_progress(SELECTED, THRESHOLDS.stalled_after), THRESHOLDS.stalled_after
)
STANDING = f"{NOT_STARTED}\nor {STALLED}"
"""Both: batches that should be calling, and don't."""

SLOW = f"({LEFT_AT_CLOSE} / {SELECTED.calls} > {THRESHOLDS.miss_share:g})\nunless ({STANDING})"
OVER = f"{SELECTED.ended} or {SELECTED.window_end} <= time()"
CALLABLE = f"{known(SELECTED.remaining)}\nunless ({OVER})"
"""Calls left of batches that are not over."""

PAUSED = f"{CALLABLE}\nand {SELECTED.remaining} > 0\nand {SELECTED.paused} == 1"
MISSED = closed_within(SELECTED, MISSED_WITHIN)


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

PROBLEM = by_batch(f"({_RANKS})\n+ 0.99 * ({SELECTED.remaining} / {SELECTED.calls})")
"""Batches that need attention: the rank, and after the point the share of the calls left."""

LOST = f"({PAUSED}) or ({MISSED})"
"""Calls left of batches that make no more calls."""
