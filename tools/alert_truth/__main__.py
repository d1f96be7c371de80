"""Plays campaigns, and prints what the batch alerts said of them."""

import argparse
import shutil
import sys
import time
from pathlib import Path

from tools.alert_truth.evaluate import batch_rules
from tools.alert_truth.play import play
from tools.alert_truth.report import clearly_wrong, table, wrong

RULES = Path(__file__).parents[2] / "prometheus" / "ultravox.rules.yml"


def main() -> int:
    """Run the command; 1 where something is wrong, campaigns of few calls aside."""
    parser = argparse.ArgumentParser(prog="python -m tools.alert_truth", description=__doc__)
    parser.add_argument("--campaigns", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", type=Path, default=RULES)
    options = parser.parse_args()
    promtool = shutil.which("promtool")
    if promtool is None:
        parser.error("promtool is not installed; it comes with Prometheus")
    began = time.monotonic()
    rules = batch_rules(options.rules.read_text("utf-8"))
    events = list(play(promtool, rules, options.seed, options.campaigns))
    sys.stdout.write(f"{table(events)}\n")
    sys.stdout.writelines(f"{line}\n" for line in wrong(events))
    seconds = time.monotonic() - began
    sys.stdout.write(f"{options.campaigns} campaigns, seed {options.seed}, {seconds:.0f} s\n")
    return 1 if any(map(clearly_wrong, events)) else 0


if __name__ == "__main__":
    sys.exit(main())
