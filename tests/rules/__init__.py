"""The unit tests of the rules: scenarios for promtool.

world      what Prometheus has scraped, minute by minute
scenario   a scenario: what is scraped, which alerts fire, and when
batches    scenarios of the alerts about batches
service    scenarios of the alerts about accounts, the API and the exporter
document   scenarios as a test file for promtool

The end-to-end tests write the file into a temporary folder and run promtool on it.
"""

from tests.rules import batches, service

GROUPS = (*batches.GROUPS, *service.GROUPS)
"""Every scenario, in groups that promtool plays one after the other."""
