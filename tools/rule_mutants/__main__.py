"""Tries every mutant of the rules and prints those that survive."""

import argparse
import shutil
import sys

from tools.rule_mutants.mutants import bundled
from tools.rule_mutants.trial import survivors


def main() -> int:
    """Run the command; return 1 if a mutant survives."""
    parser = argparse.ArgumentParser(prog="python -m tools.rule_mutants", description=__doc__)
    parser.add_argument(
        "about", nargs="?", default="", help="part of a rule's name (default: every rule)"
    )
    options = parser.parse_args()
    promtool = shutil.which("promtool")
    if promtool is None:
        parser.error("promtool is not installed; it comes with Prometheus")
    status = 0
    for line in survivors(bundled(), promtool, options.about):
        sys.stdout.write(f"survives: {line}\n")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
