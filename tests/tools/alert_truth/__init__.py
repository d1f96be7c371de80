"""Tests of the measurement of the alerts."""
