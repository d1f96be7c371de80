"""What exporters serve, and what is not served any more since one of them fell.

Exporters are compared by the labels that their scrape targets have in common, whatever these are:
the exporters of another cluster or of another scrape job are other exporters.
"""

from exporter.rules.sources import LOOKBACK, TARGET_LABELS, over, select

SERVED = "target:ultravox_served:last"
"""The agents and accounts of each exporter, one sample each."""

KNOWN = "job:ultravox_served:known"
"""The agents and accounts of a job's exporters. While one of these is down, it keeps what is no
longer served."""

_OWN = "account, agent_id, exported_account, exported_agent_id"
"""Labels of `SERVED` that `up` does not have. Prometheus renames a label that its target has."""

_OF_TARGET = f"ignoring ({_OWN})"
OF_JOB = f"ignoring ({TARGET_LABELS}, {_OWN})"
"""Vector matching between a job's targets and what its exporters serve."""


def served() -> str:
    """Return what each exporter serves from its start on: a series of each agent and account."""
    agents = select("ultravox_agent_poll_interval_seconds")
    accounts = select("ultravox_account_allowed_requests_per_second")
    return f"last_over_time({agents}[{LOOKBACK}])\nor last_over_time({accounts}[{LOOKBACK}])"


def known() -> str:
    """Return what is served, and what is not served since an exporter fell that is still down.

    What an exporter ceases to serve while it is up is no longer configured.
    """
    # An exporter that is up served it before, and no exporter serves it now.
    dropped = f"{SERVED} offset {LOOKBACK} and {_OF_TARGET} up == 1"
    return (
        f"{over(SERVED)}\n"
        f"or {KNOWN}\n"
        f"and {_OF_TARGET} {over('up == 0', 'count')}\n"
        f"unless {over(dropped)}"
    )
