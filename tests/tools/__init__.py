"""The programs for development."""
