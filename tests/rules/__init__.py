"""The alert rules' unit tests, for promtool.

world      what a Prometheus has scraped, minute by minute
scenario   a world, and which alerts fire in it and when
batches    scenarios of the alerts about batches
service    scenarios of the alerts about accounts, the API and the exporter
document   all scenarios as a promtool test file
"""
