"""The exposition of a fixed world, recorded at commit 11c7642, and the differences since then.

world                the fixed world, and the exposition in both formats
test_recorded        the comparison, with the list of differences
metrics.txt          the recorded exposition as Prometheus text
metrics.openmetrics  the recorded exposition as OpenMetrics
"""
