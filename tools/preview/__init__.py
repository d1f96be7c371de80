"""`make picture`: a picture of the dashboard, drawn from the results of its queries.

dashboard   reads the dashboard's JSON: panels and queries
history     the history that the picture shows
prometheus  runs Prometheus with that history
viewer      queries Prometheus for the data of each panel
units       values as text, in the units and colours of the dashboard
drawing     charts and timelines as SVG
html        the picture as HTML
picture     the picture as a PNG file
"""
