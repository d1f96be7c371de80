"""One table of every metric, in the order in which they are served.

The renderer, the page `docs/metrics.md` and the tests all read it. Absent means unknown or not
applicable: a metric then has no sample, never a 0.
"""

from exporter.exposition.accounts import ACCOUNT_METRICS
from exporter.exposition.agents import AGENT_METRICS
from exporter.exposition.batches import BATCH_METRICS
from exporter.exposition.family import Family
from exporter.exposition.own import OWN_METRICS

SECTIONS: tuple[tuple[str, tuple[Family, ...]], ...] = (
    ("Batches", BATCH_METRICS),
    ("Agents", AGENT_METRICS),
    ("Accounts", ACCOUNT_METRICS),
    ("The exporter itself", OWN_METRICS),
)
"""Every metric, by what it is about. Besides, prometheus_client's `process_*` and `python_*`."""
