"""What an alert is, and the templates of its texts."""

from typing import Literal, TypeAlias

import msgspec

from exporter.rules.thresholds import Links

Severity: TypeAlias = Literal["critical", "warning", "info"]
"""critical: wakes the on-call; warning: for the next working day; info: explains other alerts."""

Subject: TypeAlias = Literal["batch", "agent", "account"]
"""The object whose series a template queries."""

DASHBOARD = "ultravox-batches"
"""The dashboard's uid."""

LABELS: dict[Subject, tuple[str, ...]] = {
    "batch": ("account", "agent_id", "batch_id"),
    "agent": ("account", "agent_id"),
    "account": ("account",),
}
"""The labels that identify a subject."""

_VARIABLES = {"account": "account", "agent_id": "agent", "batch_id": "batch"}
"""The dashboard's variables, by label."""


class Alert(msgspec.Struct, frozen=True):
    """An alerting rule. `pending` is its `for`: seconds of a true expression before it fires."""

    name: str
    severity: Severity
    expression: str
    summary: str
    description: str
    pending: float = 0.0


def annotations(alert: Alert, links: Links) -> dict[str, str]:
    """Return an alert's texts, and the addresses of its runbook and of the dashboard."""
    query = "".join(
        f"{{{{ with $labels.{label} }}}}&var-{variable}={{{{ . | urlquery }}}}{{{{ end }}}}"
        for label, variable in _VARIABLES.items()
    )
    return {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": f"{links.runbook_url}/{alert.name}.md",
        "dashboard_url": f"{links.grafana_url}/d/{DASHBOARD}?from=now-6h&to=now{query}",
    }


def queried(metric: str, subject: Subject, shown: str, otherwise: str = "") -> str:
    """Return a template that queries a metric of the alert's subject when the alert fires.

    `shown` is the template of the query's result, `otherwise` the one without a result.
    """
    labels = LABELS[subject]
    matchers = ",".join(f"{label}=%q" for label in labels)
    values = " ".join(f"$labels.{label}" for label in labels)
    found = f'with printf "{metric}{{{matchers}}}" {values} | query'
    fallback = f"{{{{ else }}}}{otherwise}" if otherwise else ""
    return f"{{{{ {found} }}}}{shown}{fallback}{{{{ end }}}}"


AGENT_NAME = queried(
    "ultravox_agent_info", "agent", '{{ . | first | label "agent" }}', "{{ $labels.agent_id }}"
)
"""The agent's current name, or its id while its name is not known."""

AGENT = f"{AGENT_NAME} ({{{{ $labels.account }}}})"
BATCH = f"Batch {{{{ $labels.batch_id }}}} of {AGENT}"
ACCOUNT = "account {{ $labels.account }}"
COUNT = '{{ $value | printf "%.0f" }}'
"""The alert's value, a whole number."""

SHARE = "{{ $value | humanizePercentage }}"
"""The alert's value, a share, in percent."""
