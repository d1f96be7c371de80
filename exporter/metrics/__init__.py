"""What is exposed: tables of metrics.

metric           what a metric is: name, type, labels, HELP text, unit, stability, samples
batch            the metrics of a batch
agent            the metrics of an agent
account          the metrics of an account
instrumentation  metrics about the exporter itself, kept by prometheus_client
catalogue        one table of every metric
"""
