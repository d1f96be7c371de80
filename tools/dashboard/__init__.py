"""What writes `grafana/ultravox-batches.json`; for development only, `make docs` runs it.

dashboard  the dashboard as a whole, and where each panel stands
variables  its variables and annotations
overview   the numbers of the first screen
batches    the tables of batches, and their states over time
charts     charts of batches, agents, accounts and outcomes
health     the exporter and the API
problems   what is wrong with a batch
tables     a table: a query a column
parts      stats, charts, and their queries
queries    expressions over what the variables choose
"""
