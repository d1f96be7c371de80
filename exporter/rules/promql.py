"""PromQL, and how the exporter's series are read. Pure text.

A gauge is read through `last_over_time`, so that a failed scrape or a restart leaves no hole, and
without the labels that say who served it, so that a second replica or a moved pod counts once.
"""

import re

from exporter.durations import render as duration

LOOKBACK = "5m"
"""How long a series that is not scraped is still read: longer than a restart takes."""

STEP = "30s"
"""How finely the look-back is looked through, where the times of samples are asked for."""

MEMORY = "1h"
"""How far before a moment the last thing known at that moment is looked for."""

SERVED_BY = "instance, pod, node, host, pod_template_hash"
"""Labels that say who served a series: they are others when a pod moves."""

OF_AGENT = "ignoring (batch_id)"
"""How a batch's series finds its agent's."""


class Series:
    """Reads series. Time is in seconds."""

    def series(self, metric: str, *matchers: str) -> str:
        """Return a selector."""
        return f"{metric}{{{','.join(matchers)}}}" if matchers else metric

    def last(self, metric: str, *matchers: str, operator: str = "max", without: str = "") -> str:
        """Return a gauge's last value, whoever served it."""
        return over(
            f"last_over_time({self.series(metric, *matchers)}[{LOOKBACK}])", operator, without
        )

    def then(self, metric: str, ago: float) -> str:
        """Return what a gauge's last value was so many seconds ago."""
        return over(f"last_over_time({self.series(metric)}[{MEMORY}] offset {duration(ago)})")


def scraped(selector: str) -> str:
    """Return when series were last scraped, within the look-back.

    Its steps lie on whole multiples of STEP: what was scraped since the last one is asked for too.
    """
    times = f"timestamp({selector})"
    return f"({times} or max_over_time({times}[{LOOKBACK}:{STEP}]))"


def over(vector: str, operator: str = "max", without: str = "") -> str:
    """Return the vector without the labels that say who served it, and those named."""
    labels = f"{SERVED_BY}, {without}" if without else SERVED_BY
    return f"{operator} without ({labels}) ({vector})"


def operand(expression: str) -> str:
    """Return an expression as an operand."""
    return expression if re.fullmatch(r"[\w:]+", expression) else f"({expression})"
