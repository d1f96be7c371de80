"""The alerts about the exporter itself."""

from exporter.rules.alert import Alert
from exporter.rules.served import KNOWN, OF_JOB, SERVED
from exporter.rules.sources import LOOKBACK, over, select

ABSENT_PENDING = 900.0
"""Seconds without a sample of any exporter."""

JOBS = "(?i)(.*[^a-z])?ultravox(.*exporter.*)?"
"""Scrape jobs whose targets are exporters even if none of them has ever been up."""


def exporter_alerts() -> tuple[Alert, ...]:
    """Return the alerts."""
    return (_down(), _down_for_a_day(), _absent())


_NAME = "UltravoxExporterDown"
_EXPORTERS = select("up", f'job=~"{JOBS}"')

# A restart is shorter than LOOKBACK, so it does not fire.
_SINCE = f"and up offset {LOOKBACK}"


def _down() -> Alert:
    return Alert(
        _NAME,
        "critical",
        f"max_over_time(up[{LOOKBACK}]) == 0\n"
        f"{_SINCE}\n"
        f"and {OF_JOB} (\n"
        f"  {KNOWN}\n"
        f"  unless {over(SERVED)}\n"
        f")\n"
        f"or max_over_time({_EXPORTERS}[{LOOKBACK}]) == 0\n"
        f"{_SINCE}\n"
        f"unless {OF_JOB} {KNOWN}",
        "The exporter {{ $labels.instance }} is down, and no other exporter polls its agents",
        "Prometheus cannot scrape the exporter. Until it is back, no alert about the batches of its"
        " agents can fire. Check that the process runs, and that Prometheus reaches its address.",
    )


def _down_for_a_day() -> Alert:
    return Alert(
        _NAME,
        "warning",
        # Only of jobs known by name: all targets of a large Prometheus are too many for a day.
        f"max_over_time({_EXPORTERS}[1d]) == 0\n"
        f"{_SINCE}\n"
        f"unless ignoring (alertname, alertstate, severity)"
        f' ALERTS{{alertname="{_NAME}",alertstate="firing",severity="critical"}}',
        "The exporter {{ $labels.instance }} has not been up within a day",
        "Other exporters of the same job serve every agent that is known. If this exporter has"
        " agents of its own, nobody polls them. Check that the process runs, and that Prometheus"
        " reaches its address. If it is no longer needed, remove it from the scrape targets.",
    )


def _absent() -> Alert:
    return Alert(
        "UltravoxExporterAbsent",
        "critical",
        f"absent({select('ultravox_exporter_build_info')})",
        "No exporter is scraped",
        "For 15 minutes Prometheus has had no sample of any Ultravox batch exporter. Check that the"
        " exporter runs, and that it is among the scrape targets.",
        pending=ABSENT_PENDING,
    )
