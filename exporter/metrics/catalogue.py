"""The catalogue: one table of every metric, in the order of the exposition.

The renderer, `docs/metrics.md`, the dashboard and the tests read it. Absent means unknown or not
applicable: a metric then has no sample. It never has a 0 or NaN instead.
"""

from exporter.metrics.account import ACCOUNT_METRICS
from exporter.metrics.agent import AGENT_METRICS
from exporter.metrics.batch import BATCH_METRICS
from exporter.metrics.instrumentation import INSTRUMENTATION_METRICS
from exporter.metrics.metric import Family

SECTIONS: tuple[tuple[str, tuple[Family, ...]], ...] = (
    ("Batches", BATCH_METRICS),
    ("Agents", AGENT_METRICS),
    ("Accounts", ACCOUNT_METRICS),
    ("The exporter itself", INSTRUMENTATION_METRICS),
)
"""Every metric by what it describes, but for prometheus_client's `process_*` and `python_*`."""
