"""Expressions over the exporter's series: what is so of batches, now. Pure text.

Names are joined nowhere: they change.
"""

from exporter.durations import render as duration
from exporter.rules.agents import Agents
from exporter.rules.promql import LOOKBACK, OF_AGENT, operand, over, scraped

SHORTEST = 600
"""Seconds of observation that a pace is made of, at least."""

OBSERVED = 0.8
"""Of the time without a call that must have been observed, for a batch to be stalled."""

LATE = 660
"""Seconds after its beginning at which a batch may be seen for the first time."""

_LEFT = "ultravox_batch_calls_remaining"
SERVED_WITH = "ultravox_agent_batches_hidden"
"""Of each agent whose batches are served."""


class Expressions(Agents):
    """What is known of agents and their batches.

    Vectors are named by what they hold, one sample a batch or one an agent; times are seconds since
    the epoch. Each guard has a line of its own.
    """

    def calls(self) -> str:
        """Batches: their calls."""
        return self.last("ultravox_batch_calls")

    def completed(self) -> str:
        """Batches: their completed calls."""
        return self.last("ultravox_batch_calls_completed")

    def left(self) -> str:
        """Batches: their calls that are not completed, where they are not gone."""
        return over(f"\n  {self.served_lately(_LEFT)}\n", "min")

    def served_lately(self, metric: str) -> str:
        """Batches by exporter: a gauge's last value, unless their agent was served since, alone."""
        batch, agent = scraped(self.series(metric)), scraped(self.series(SERVED_WITH))
        return (
            f"last_over_time({self.series(metric)}[{LOOKBACK}])\n"
            f"  and {batch} >= {OF_AGENT} group_left () max without (reason) ({agent})"
        )

    def paused(self) -> str:
        """Batches: whether they are paused."""
        return self.last("ultravox_batch_paused")

    def paused_within(self, seconds: float) -> str:
        """Batches: whether they were paused at any time in the last seconds."""
        selector = self.series("ultravox_batch_paused")
        return over(f"max_over_time({selector}[{duration(seconds)}])")

    def begin(self) -> str:
        """Batches: from when calls could be made: their creation, or a later window's opening."""
        created = self.last("ultravox_batch_created_timestamp_seconds")
        start = self.last("ultravox_batch_window_start_timestamp_seconds")
        return f"{start} > {created}\nor {created}"

    def window_end(self) -> str:
        """Batches: the end of their window, where it has one."""
        return self.last("ultravox_batch_window_end_timestamp_seconds")

    def ended(self) -> str:
        """Batches that have ended: when."""
        return self.last("ultravox_batch_ended_timestamp_seconds")

    def close(self) -> str:
        """Batches: when the last call could be made: their end, or that of the window before it."""
        ended, window = self.ended(), self.window_end()
        return f"{ended} < {window}\nor {window}\nor {ended}"

    def open(self) -> str:
        """Batches that should be calling: for how many seconds they could when last heard of.

        They have calls left, are neither paused nor ended, their window is open, and what is known
        is fresh.
        """
        return (
            f"{operand(self.fresh())} - {OF_AGENT} group_right () {operand(self.begin())} >= 0\n"
            f"and {self.left()} > 0\n"
            f"unless {self.paused()} == 1\n"
            f"unless {self.ended()}\n"
            f"unless {self.window_end()} <= time()"
        )

    def unmoved(self, seconds: float) -> str:
        """Batches that should be calling and completed nothing for so long: their calls left."""
        return (
            f"{self.left()}\n"
            f"and {operand(self.open())} >= {seconds:g}\n"
            f"and {self.completed()} <= {self.then('ultravox_batch_calls_completed', seconds)}\n"
            f"unless {self.paused_within(seconds)} == 1"
        )

    def stalled(self, seconds: float) -> str:
        """Batches that completed nothing for so long, as was observed: their calls left."""
        return (
            f"{self.unmoved(seconds)}\n"
            f"and {OF_AGENT} {self.observed(seconds)} >= {OBSERVED * seconds:g}"
        )

    def not_started(self, seconds: float) -> str:
        """Batches that could call for so long and made none: their calls."""
        return (
            f"{self.left()}\n"
            f"and {self.completed()} == 0\n"
            f"and {operand(self.open())} >= {seconds:g}\n"
            f"unless {self.paused_within(seconds)} == 1"
        )

    def paused_long(self, seconds: float) -> str:
        """Batches that have been paused for so long and could call otherwise: their calls left."""
        lowest = over(f"min_over_time({self.series('ultravox_batch_paused')}[{duration(seconds)}])")
        return (
            f"{self.left()} > 0\n"
            f"and {self.then('ultravox_batch_paused', seconds)} == 1\n"
            f"unless {lowest} == 0\n"
            f"and {OF_AGENT} {operand(self.fresh())}\n"
            f"and time() - {operand(self.begin())} >= {seconds:g}\n"
            f"unless {self.ended()}\n"
            f"unless {self.window_end()} <= time()"
        )

    def closed(self, seconds: float) -> str:
        """Batches that closed in the last seconds: their calls left, counted after the close."""
        return (
            f"{self.left()} > 0\n"
            # The exporter's clock may be ahead of Prometheus'.
            f"and {operand(self.close())} <= time()\n"
            f"and time() - {operand(self.close())} < {seconds:g}\n"
            f"and ({operand(self.fresh())} - {OF_AGENT} group_right () {operand(self.close())}) > 0"
        )

    def pace(self, seconds: float, ago: float = 0.0) -> str:
        """Batches that should be calling: calls completed a second, over the seconds up to `ago`.

        The time is that between two answers of the API. Where the batch has begun since, it is the
        time since then, at which nothing was completed. Nothing is said of batches that were paused
        meanwhile, or observed for too short a time, or whose agent was not observed before.
        """
        completed = "ultravox_batch_calls_completed"
        now, begin = operand(self.known(ago)), operand(self.begin())
        made = self.then(completed, ago) if ago else self.completed()
        before = self.then("ultravox_agent_last_success_timestamp_seconds", seconds + ago)
        earlier = self.then(completed, seconds + ago)
        least = f"{min(SHORTEST, 2 / 3 * seconds):g}"
        return (
            f"(\n"
            f"  ({made} - {earlier})\n"
            f"  / {OF_AGENT} group_left () ({self.observed(seconds, ago)} >= {least})\n"
            f"  and {begin} <= {OF_AGENT} group_left () {before}\n"
            f"  or {made} / ({now} - {OF_AGENT} group_right () {begin} >= {least})\n"
            f"  and {begin} + {LATE} > {OF_AGENT} group_left () {before}\n"
            f")\n"
            f"and {operand(self.open())}\n"
            f"unless {self.paused_within(seconds + ago)} == 1"
        )

    def left_at_close(self, pace: str) -> str:
        """Batches that should be calling: calls left at the window's end, at a pace."""
        ahead = f"({self.window_end()} - {OF_AGENT} group_left () {operand(self.fresh())})"
        return f"clamp_min({self.left()} - {operand(pace)} * {ahead}, 0)"
