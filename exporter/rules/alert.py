"""What an alert is, and the text that it carries."""

from typing import Literal, TypeAlias

import msgspec

from exporter.rules.thresholds import Links

Severity: TypeAlias = Literal["critical", "warning", "info"]
"""critical: wakes somebody; warning: in the morning; info: explains others."""

Subject: TypeAlias = Literal["batch", "agent"]
"""What a text looks something up about."""

DASHBOARD = "ultravox-batches"
"""The dashboard's uid."""

LABELS: dict[Subject, tuple[str, ...]] = {
    "batch": ("account", "agent_id", "batch_id"),
    "agent": ("account", "agent_id"),
}
"""The labels that name a subject."""

_VARIABLES = {"account": "account", "agent_id": "agent", "batch_id": "batch"}
"""The dashboard's variables, by label."""


class Alert(msgspec.Struct, frozen=True):
    """An alerting rule. `held` is how long the expression must hold, in seconds."""

    name: str
    severity: Severity
    expression: str
    summary: str
    description: str
    held: float = 0.0


def annotations(alert: Alert, links: Links) -> dict[str, str]:
    """Return what an alert tells, and where it leads."""
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


def looked_up(metric: str, subject: Subject, shown: str, otherwise: str = "") -> str:
    """Return a template that shows of a subject's series what `shown` takes from the sample."""
    labels = LABELS[subject]
    matchers = ",".join(f"{label}=%q" for label in labels)
    values = " ".join(f"$labels.{label}" for label in labels)
    found = f'with printf "{metric}{{{matchers}}}" {values} | query'
    fallback = f"{{{{ else }}}}{otherwise}" if otherwise else ""
    return f"{{{{ {found} }}}}{shown}{fallback}{{{{ end }}}}"


AGENT = looked_up(
    "ultravox_agent_info", "agent", '{{ . | first | label "agent" }}', "{{ $labels.agent_id }}"
)
"""The agent's name as it is now, else its id."""

NAMED_AGENT = f"{AGENT} ({{{{ $labels.account }}}})"
BATCH = f"Batch {{{{ $labels.batch_id }}}} of {NAMED_AGENT}"
COUNT = '{{ $value | printf "%.0f" }}'
"""The alert's value, a number of things."""
