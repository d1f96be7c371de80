"""The Grafana dashboard: `ultravox-batches.json`, how Grafana finds it, and what writes it.

generate  writes the dashboard; for development only
"""
