"""The alert rules' unit tests, for promtool.

world      what Prometheus scrapes, minute by minute
scenario   what exporters serve over time, and which alerts then fire
batches    scenarios of the alerts about batches
service    scenarios of the alerts about accounts, the API and the exporter
document   scenarios as a promtool test file
"""
