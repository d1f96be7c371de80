"""The alerts about the exporter itself."""

from exporter.rules.accounts import TROUBLE
from exporter.rules.alert import Alert
from exporter.rules.sources import LOOKBACK, select

_SERVES = "ultravox_exporter_build_info"
"""What every exporter serves, whatever it watches."""


def exporter_alerts() -> tuple[Alert, ...]:
    """Return the alerts."""
    return (_exporter_down(), _exporter_absent())


def _exporter_down() -> Alert:
    intervals = select("ultravox_agent_poll_interval_seconds")
    return Alert(
        "UltravoxExporterDown",
        "critical",
        # A restart is over before the agents' last samples are too old to be read.
        f"max_over_time(up[{LOOKBACK}]) == 0\n"
        "and on (job, instance) (\n"
        f"  last_over_time({intervals}[1d])\n"
        f"  unless on (account, agent_id) last_over_time({intervals}[{LOOKBACK}])\n"
        ")",
        "The exporter {{ $labels.instance }} is down, and nobody else watches its agents",
        "Prometheus can't scrape it. No alert about these agents' batches is possible until it is"
        " back.",
    )


def _exporter_absent() -> Alert:
    return Alert(
        "UltravoxExporterAbsent",
        "critical",
        # Not for the whole 15 minutes: when Prometheus itself starts, nothing was scraped yet.
        f"absent_over_time({select(_SERVES)}[10m])",
        "No exporter is scraped",
        "For 15 minutes Prometheus has not had one sample of any Ultravox batch exporter: it is not"
        " running, or not among the scrape targets.",
        held=TROUBLE,
    )
