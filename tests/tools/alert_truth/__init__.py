"""The measurement of the alerts."""
