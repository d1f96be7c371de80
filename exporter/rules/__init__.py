"""The alert rules, as Prometheus reads them.

thresholds   what a user may set, and what is set otherwise
promql       PromQL, and how series are read
agents       how well agents are known, over the exporter's series
expressions  what is so of their batches, now
recorded     the same expressions, each evaluated once and kept under a name
alert        what an alert is, and the text that it carries
batches      the alerts about batches
accounts     the alerts about accounts, their agents and the API
exporters    the alerts about the exporter itself
document     all rules as a YAML file
"""
