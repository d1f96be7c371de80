"""The generator of `grafana/ultravox-batches.json`; `make docs` runs it.

dashboard   the whole dashboard: sections, and the position of each panel
variables   variables and annotations
overview    the numbers of the first screen
batches     tables of batches, and the timeline of their states
charts      charts of batches, of accounts, and of calls by status
agents      table and charts of agents
health      table of exporters; charts of polls, of the API and of the processes
problems    the problems that a batch can have: expressions, names, meanings
tables      table panels: one query per column
panels      stat panels, charts, and their queries
queries     expressions over the series that the variables select
thresholds  thresholds of the alert rules, and how texts write them
"""
