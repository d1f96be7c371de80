"""The recording and alerting rules for Prometheus.

thresholds   the thresholds that a user can set, with their defaults
sources      how the exporter's series are read: selectors, and the record of names
expressions  expressions about agents and their batches, over sources
standstills  expressions about batches that make no calls
served       what exporters serve, and what is no longer served since one of them fell
recorded     the recording rules, and the names that they give to expressions
alert        what an alert is, and the templates of its texts
batches      the alerts about batches
accounts     the alerts about accounts and their agents
causes       the alerts about the API: one for each cause of failing requests
exporters    the alerts about the exporter itself
document     all rules as a YAML file
"""
