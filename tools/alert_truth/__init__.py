"""Are the batch alerts true? Random campaigns whose troubles are known, and what the rules say.

campaigns     what a campaign and its surroundings are: frozen definitions
draw          definitions, drawn from a seed
dialling      the calls that a campaign makes, and how the API shows it at a moment
verdicts      when each alert is right, from a campaign's definition
history       what an exporter would have served, and Prometheus kept
evaluate      the rules over a history, by Prometheus' own engine
score         what the alerts said, held against the verdicts
report        the table, and what is wrong
play          from a seed to what is to be said
"""
