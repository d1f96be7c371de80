"""What is served at /metrics.

catalogue  one table of every metric of the exporter
family     what a metric is: name, type, labels, help, unit, stability, and how its samples are made
view       what of an agent's snapshot is shown at a moment
text       the two text formats: escaping, numbers, headers, and which one a client accepts
render     (snapshot, now) -> text
batches    the metrics of a batch
agents     the metrics of an agent
accounts   the metrics of an account
own        the exporter's own metrics, kept by prometheus_client
"""
