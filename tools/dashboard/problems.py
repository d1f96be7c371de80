"""The problems that a batch can have, by the alert rules' expressions, with names and meanings."""

from dataclasses import dataclass

from exporter.rules.expressions import closed_within
from exporter.rules.standstills import no_progress, not_started, stalled
from tools.dashboard.queries import REMAINING_AT_CLOSE, SELECTED, by_batch, not_stale
from tools.dashboard.thresholds import MISSED_WITHIN, THRESHOLDS, in_words, percent

NOT_STARTED = not_started(SELECTED, THRESHOLDS.not_started_after)
STALLED = stalled(
    SELECTED, no_progress(SELECTED, THRESHOLDS.stalled_after), THRESHOLDS.stalled_after
)
WITHOUT_PROGRESS = f"{NOT_STARTED}\nor {STALLED}"
TOO_SLOW = (
    f"({REMAINING_AT_CLOSE} / {SELECTED.calls} > {THRESHOLDS.miss_share:g})\n"
    f"unless ({WITHOUT_PROGRESS})"
)
CLOSED = f"{SELECTED.ended} or {SELECTED.window_end} <= time()"
REMAINING_IF_NOT_CLOSED = f"{not_stale(SELECTED.remaining)}\nunless ({CLOSED})"
PAUSED = f"{REMAINING_IF_NOT_CLOSED}\nand {SELECTED.remaining} > 0\nand {SELECTED.paused} == 1"
MISSED = closed_within(SELECTED, MISSED_WITHIN)


@dataclass(frozen=True)
class Problem:
    """A problem: its rank (higher is more urgent), how it is shown, and its alert.

    `batches` is the expression of the batches that may have it. `meaning` has the words that follow
    "The batch".
    """

    rank: int
    name: str
    colour: str
    batches: str
    meaning: str
    alert: str


PROBLEMS = (
    # A batch has the first problem that applies.
    Problem(
        4,
        "Not started",
        "dark-red",
        NOT_STARTED,
        f"has been active for {in_words(THRESHOLDS.not_started_after)} or longer, and no call was"
        " completed",
        "UltravoxBatchNotStarted",
    ),
    Problem(
        5,
        "Stalled",
        "red",
        STALLED,
        f"is active, but no call was completed for {in_words(THRESHOLDS.stalled_after)}",
        "UltravoxBatchStalled",
    ),
    Problem(
        3,
        "Too slow",
        "orange",
        TOO_SLOW,
        f"will have more than {percent(THRESHOLDS.miss_share)} of its calls remaining when its"
        " window ends, at its completion rate",
        "UltravoxBatchWillMissWindow",
    ),
    Problem(
        2,
        "Paused",
        "yellow",
        PAUSED,
        "is paused, has remaining calls, and its window has not ended",
        "UltravoxBatchPaused",
    ),
    Problem(
        1,
        "Missed",
        "purple",
        MISSED,
        f"closed within the last {in_words(MISSED_WITHIN)} and has remaining calls",
        "UltravoxBatchClosedWithCallsLeft",
    ),
)

_RANKS = "\nor ".join(f"0 * ({each.batches}) + {each.rank}" for each in PROBLEMS)

PROBLEM_RANK = by_batch(f"({_RANKS})\n+ 0.99 * ({SELECTED.remaining} / {SELECTED.calls})")
"""Batches that have a problem: its rank, plus 0.99 times the share of their remaining calls."""

WITHOUT_FURTHER_CALLS = f"({PAUSED}) or ({MISSED})"
"""Remaining calls of batches that make no more calls."""


def meaning(name: str) -> str:
    """Return the meaning of the problem with this name."""
    return next(each.meaning for each in PROBLEMS if each.name == name)
