"""Expressions over the exporter's series: how well agents are known. Pure text.

What the API said is dated by when it said so (an agent's last success), never by when it was
scraped: so data that an outage keeps from changing are not taken for a standstill.
"""

from exporter.rules.promql import Series, operand

SOON = 300
"""Seconds that data may be old and cause no alarm, however often they are asked for."""

PATIENCE = 660
"""Seconds that data may be old and count as fresh: the exporter may be told to hold still for so
long, twice five minutes, and the API may be away for ten."""


class Agents(Series):
    """What is known of agents, one sample each; times are seconds since the epoch."""

    def success(self) -> str:
        """Agents: when what is known of them was true."""
        return self.last("ultravox_agent_last_success_timestamp_seconds")

    def patience(self, least: float) -> str:
        """Agents: how old what is known of them may be, in seconds: by their own cadence.

        While the API can't be reached, that doubles up to five minutes. So after an outage of ten,
        there are new data before the last ones from before it are too old.
        """
        interval = self.last("ultravox_agent_poll_interval_seconds")
        return f"clamp_min(3 * {interval}, {least:g})"

    def fresh(self) -> str:
        """Agents whose data are fresh: when they were true."""
        return f"{self.success()}\nand time() - {self.success()} < {self.patience(PATIENCE)}"

    def stale(self) -> str:
        """Agents whose data are old: their age in seconds, 0 where there never were any."""
        agents = self.last("ultravox_agent_poll_interval_seconds")
        return (
            f"time() - {self.success()} >= {self.patience(SOON)}\n"
            f"or 0 * {agents}\n"
            f"unless {self.success()}"
        )

    def known(self, ago: float) -> str:
        """Agents: when what is known of them was true, now or so long ago."""
        if not ago:
            return self.fresh()
        return self.then("ultravox_agent_last_success_timestamp_seconds", ago)

    def observed(self, seconds: float, ago: float = 0.0) -> str:
        """Agents: for how long they were observed, of the seconds up to so long ago, and before."""
        before = self.then("ultravox_agent_last_success_timestamp_seconds", seconds + ago)
        return f"{operand(self.known(ago))} - {before}"
