"""The tables of metrics."""
