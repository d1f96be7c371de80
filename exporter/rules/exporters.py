"""The alerts about the exporter itself."""

from exporter.rules.alert import Alert
from exporter.rules.sources import LOOKBACK, select

ABSENT_PENDING = 300.0
"""Seconds without a sample after the 10 minutes of the expression."""


def exporter_alerts() -> tuple[Alert, ...]:
    """Return the alerts."""
    return (_down(), _absent())


def _down() -> Alert:
    intervals = select("ultravox_agent_poll_interval_seconds")
    return Alert(
        "UltravoxExporterDown",
        "critical",
        # A restart is shorter than LOOKBACK, so it does not fire.
        f"max_over_time(up[{LOOKBACK}]) == 0\n"
        "and on (job, instance) (\n"
        f"  last_over_time({intervals}[1d])\n"
        f"  unless on (account, agent_id) last_over_time({intervals}[{LOOKBACK}])\n"
        ")",
        "The exporter {{ $labels.instance }} is down, and no other exporter polls its agents",
        "Prometheus cannot scrape the exporter. Until it is back, no alert about the batches of its"
        " agents can fire. Check that the process runs, and that Prometheus reaches its address.",
    )


def _absent() -> Alert:
    return Alert(
        "UltravoxExporterAbsent",
        "critical",
        # 10 of the 15 minutes: when Prometheus itself starts, it has scraped nothing yet.
        f"absent_over_time({select('ultravox_exporter_build_info')}[10m])",
        "No exporter is scraped",
        "For 15 minutes Prometheus has had no sample of any Ultravox batch exporter. Check that the"
        " exporter runs, and that it is among the scrape targets.",
        pending=ABSENT_PENDING,
    )
