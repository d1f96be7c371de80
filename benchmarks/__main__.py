"""Measures all contestants, and prints the table."""

import argparse
import asyncio
import sys

from benchmarks import event_loop, processor, scrapes
from benchmarks.table import Column, machine, markdown

MAX_ROUNDS = 15
"""Rounds of the smallest size; the largest has few, because each takes a minute."""


def measured(batches: int, *, quick: bool) -> Column:
    """Return the column of the table for this number of batches."""
    rounds = max(3, min(MAX_ROUNDS, 100_000 // batches))
    rounds = 2 if quick else rounds
    sys.stderr.write(f"{batches:,} batches, {rounds} rounds …\n")
    return Column(
        batches,
        scrapes.measure(batches, rounds),
        asyncio.run(processor.measure(batches, rounds)),
        event_loop.measure(batches, 2 if quick else 5),
    )


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    columns = [measured(batches, quick=options.quick) for batches in options.batches]
    sys.stdout.write(f"{machine()}\n{markdown(columns)}")


if __name__ == "__main__":
    main()
