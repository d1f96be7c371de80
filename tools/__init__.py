"""Programs for the development of the exporter; no package contains them.

docs          `make docs`: writes the generated pages and files
dashboard     the generator of the Grafana dashboard
preview       `make picture`: draws the dashboard from the answers to its queries
alert_truth   `make truth`: measures how often the batch alerts are right
rule_mutants  `make mutants`: removes each guard of the rules; a scenario must notice
"""
