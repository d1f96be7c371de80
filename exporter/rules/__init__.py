"""The alert rules, as Prometheus reads them.

thresholds   what a user may set, and what is set otherwise
sources      how the exporter's series are read: selectors, and the record of names
expressions  expressions about agents and their batches, over sources
recorded     the recording rules, and the names that they give to expressions
alert        what an alert is, and the text that it carries
batches      the alerts about batches
accounts     the alerts about accounts, their agents and the API
exporters    the alerts about the exporter itself
document     all rules as a YAML file
"""
