"""What is served at /metrics.

catalogue  one table of every metric of the exporter
family     what a metric is: name, type, labels, help, unit, stability, and how its samples are made
view       what of an agent's snapshot is shown at a moment
text       the two text formats: numbers, headers, lines, and which one a client accepts
slices     a run of batches, rendered once
pages      (snapshot, now) -> the parts of a page, from what was rendered before
packing    the parts of a page as they are added; neighbours deflated together
deflate    parts deflated ahead of time, as one gzip member
body       a page as the body of an answer
pace       long work, cut into turns
batches    the metrics of a batch
agents     the metrics of an agent
accounts   the metrics of an account
own        the exporter's own metrics, kept by prometheus_client
"""
