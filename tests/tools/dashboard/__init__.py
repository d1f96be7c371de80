"""The dashboard: what it asks, as Grafana asks it, a lint, a day's history, and a picture."""
