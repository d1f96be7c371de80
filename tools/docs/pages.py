"""`make docs`: the pages and files that are made from the code. The tests hold them in step."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from exporter.config import json_schema_text
from exporter.metrics.catalogue import SECTIONS
from exporter.metrics.metric import Family
from exporter.rules.document import render as rules
from exporter.rules.thresholds import Links, Thresholds
from tools.dashboard.dashboard import render as dashboard

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "grafana" / "ultravox-batches.json"

INTRODUCTION = """\
# Metrics

<!-- `make docs` writes this page from the catalogue in `exporter/metrics/`. -->

Absent means unknown or not applicable: a metric then has no sample. No 0 and no NaN stands for
"don't know". Series are identified by what never changes for an object: `account`, `agent_id`,
`batch_id`. Names, and labels of your own, are on `ultravox_agent_info`; join them in a query:

```promql
ultravox_batch_calls_remaining
  * on (instance, account, agent_id) group_left (agent, team) ultravox_agent_info
```

The names and labels of a `stable` metric stay as they are within a major version; further labels
with new *values* may come. Those of an `experimental` one may change in a minor version.

Times are seconds since the Unix epoch. `ultravox_batch_state`, the sums by state and
`ultravox_batch_window_remaining_seconds` are computed for the moment of the scrape; everything else
about a batch is what the API last said.

A batch is in the first of these states that fits:

| state | means |
|---|---|
| `ended` | the API has set its end |
| `paused` | it is paused; Ultravox documents no way to resume |
| `window_closed` | the window is past, and the API has not ended the batch |
| `scheduled` | the window has not opened |
| `drained` | every call is completed, and the API has not ended the batch |
| `active` | none of these: calls are being made, or should be |

When an agent's last successful poll is older than `stale_after`, all that was known of its batches
is withdrawn until a poll succeeds: the series of its batches, the sums, the reported and hidden
counts. Its health stays.
"""

ENDING = """
## Of the process

`process_*`, `python_info` and `python_gc_*` are prometheus_client's own.
"""


def metrics_page() -> str:
    """Return `docs/metrics.md`."""
    tables = (_table(title, families) for title, families in SECTIONS)
    return INTRODUCTION + "".join(tables) + ENDING


def _table(title: str, families: Iterable[Family]) -> str:
    rows = "".join(_row(family) for family in families)
    head = "| metric | type | labels | unit | is | stability |\n|---|---|---|---|---|---|\n"
    return f"\n## {title}\n\n{head}{rows}"


def _row(family: Family) -> str:
    labels = " ".join(f"`{label}`" for label in family.labels)
    return (
        f"| `{family.name}` | {family.kind} | {labels} | {family.unit} | {family.help}"
        f" | {family.stability} |\n"
    )


PAGES: Mapping[Path, Callable[[], str]] = {
    ROOT / "docs" / "metrics.md": metrics_page,
    ROOT / "docs" / "config.schema.json": json_schema_text,
    ROOT / "prometheus" / "ultravox.rules.yml": lambda: rules(Thresholds(), Links()),
    DASHBOARD: dashboard,
}
"""Every generated page, and what makes its text."""


if __name__ == "__main__":
    for path, text in PAGES.items():
        path.write_text(text(), "utf-8")
