"""The dashboard: a lint of its JSON, its texts, and the files that Grafana reads at start."""
