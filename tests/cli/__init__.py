"""Flags, commands, exit status."""
