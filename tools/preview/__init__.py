"""`make picture`: a picture of the dashboard, drawn from the answers to its queries.

dashboard  reads the dashboard's JSON: panels and queries
history    the history that is drawn
viewer     asks Prometheus for a panel's data
units      values as the dashboard's units write them
drawing    charts and timelines as HTML
"""
