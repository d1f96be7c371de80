"""The command `rules`: prints the rules for Prometheus."""

import argparse

import msgspec

from exporter.cli import output
from exporter.rules.document import render
from exporter.rules.thresholds import Links, Thresholds


def command(options: argparse.Namespace) -> int:
    """Print the rules with the thresholds and links of the flags; return 0."""
    flags = vars(options)
    thresholds = msgspec.convert(flags, Thresholds)
    links = msgspec.convert(flags, Links)
    output.write(render(thresholds, links))
    return 0
