"""One table of every metric, in the order in which they are served.

The renderer, the page `docs/metrics.md` and the tests all read it. Absent means unknown or not
applicable: a metric then has no sample, never a 0.
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
"""Every metric, by what it is about. Besides, prometheus_client's `process_*` and `python_*`."""
