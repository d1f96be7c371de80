"""Expressions about batches that make no calls, each a function of how series are read.

A time without calls counts from the last change of the batch that made calls possible.
"""

from exporter.durations import render as duration
from exporter.rules.expressions import (
    COMPLETED,
    ENDED,
    PAUSED,
    REMAINING,
    WINDOW_END,
    observed,
    paused_within,
)
from exporter.rules.sources import OF_AGENT, Sources, operand, over, value_ago

OBSERVED_SHARE = 0.8
"""Share of the time without a completed call that successful polls must cover."""


def no_progress(sources: Sources, seconds: float) -> str:
    """Return the remaining calls of active batches that completed none for `seconds`."""
    return (
        f"{sources.remaining}\n"
        f"and {operand(sources.active)} >= {seconds:g}\n"
        f"and {sources.completed} <= {value_ago(sources.select, COMPLETED, seconds)}\n"
        # A count that was corrected downwards may rise again and still be lower.
        f"unless {over(f'changes({sources.select(COMPLETED)}[{duration(seconds)}])')} > 0\n"
        f"{_callable_for(sources, seconds)}"
    )


def stalled(sources: Sources, unmoved: str, seconds: float) -> str:
    """Return the batches of `unmoved` (no progress for `seconds`) that polls observed meanwhile."""
    return f"{unmoved}\nand {OF_AGENT} {observed(sources, seconds)} >= {OBSERVED_SHARE * seconds:g}"


def not_started(sources: Sources, seconds: float) -> str:
    """Return the remaining calls of batches that were active for `seconds` and completed none."""
    return (
        f"{sources.remaining}\n"
        f"and {sources.completed} == 0\n"
        f"and {operand(sources.active)} >= {seconds:g}\n"
        f"{_callable_for(sources, seconds)}"
    )


def _callable_for(sources: Sources, seconds: float) -> str:
    """Return conditions of active batches: nothing kept them from calls in the last seconds.

    They were not paused, had remaining calls, and had neither ended nor a window end that has
    passed.
    """
    read, time = sources.select, duration(seconds)
    least = over(f"min_over_time({read(REMAINING)}[{time}])", "min")
    end = over(f"min_over_time({read(WINDOW_END)}[{time}])", "min")
    return (
        f"unless {paused_within(sources, seconds)} == 1\n"
        f"unless {least} == 0\n"
        f"unless {end} <= time()\n"
        f"unless {over(f'last_over_time({read(ENDED)}[{time}])')}"
    )


def paused_for(sources: Sources, seconds: float) -> str:
    """Return the remaining calls of batches that only a pause kept from calling for `seconds`."""
    # The lowest of all replicas: a pod that moved away in a pause has served nothing else.
    lowest = over(f"min_over_time({sources.select(PAUSED)}[{duration(seconds)}])", "min")
    return (
        f"{sources.remaining} > 0\n"
        f"and {value_ago(sources.select, PAUSED, seconds)} == 1\n"
        f"unless {lowest} == 0\n"
        f"and {OF_AGENT} {operand(sources.not_stale)}\n"
        f"and time() - {operand(sources.opening)} >= {seconds:g}\n"
        f"unless {sources.ended}\n"
        f"unless {sources.window_end} <= time()"
    )
