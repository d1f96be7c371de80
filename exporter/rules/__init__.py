"""The alert rules, as Prometheus reads them.

thresholds  what a user may set, and what is set otherwise
promql      expressions over the exporter's series
recorded    the same expressions, each evaluated once and kept under a name
alert       what an alert is, and the text that it carries
batches     the alerts about batches
service     the alerts about accounts, the API and the exporter
document    all rules as a YAML file
"""
