"""The alert rules, as Prometheus reads them.

thresholds   what a user may set, and what is set otherwise
promql       PromQL, and how series are read
expressions  what is so, now, over the exporter's series
recorded     the same expressions, each evaluated once and kept under a name
alert        what an alert is, and the text that it carries
batches      the alerts about batches
accounts     the alerts about accounts, their agents and the API
exporters    the alerts about the exporter itself
document     all rules as a YAML file
"""
