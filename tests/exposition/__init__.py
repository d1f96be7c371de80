"""What is served at /metrics."""
