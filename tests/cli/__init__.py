"""Flags, subcommands, exit status."""
