"""A page of `/metrics` of a fixed world, recorded at commit 11c7642, and what differs since then.

world                the world, and the two pages that the exporter serves of it
test_recorded        the comparison, with the list of differences
metrics.txt          the page recorded, as Prometheus text
metrics.openmetrics  the page recorded, as OpenMetrics
"""
