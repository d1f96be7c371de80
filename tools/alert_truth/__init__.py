"""Measure how often the batch alerts are right, on random campaigns whose incidents are known.

An incident is a time span in which an alert must fire. It follows from the definition of a
campaign, never from a metric.

campaigns          definitions of campaigns and of what is between them and Prometheus: frozen
random_scenarios   definitions, drawn from a seed
dialling           the calls that a campaign makes, and the batch that the API lists at a time
expectations       when each alert must fire and when it may fire, from a campaign's definition
history            the samples that Prometheus stores from an exporter
evaluate           the rules applied to a history, by Prometheus' own engine
score              compare when alerts fired with when they were expected
measure            all of the above, from a seed to findings
report             the table of findings, and the list of mistakes
"""
