"""Whole processes and real programs."""
