"""Measure the batch alerts on random campaigns, and print how often they were right."""

import argparse
import shutil
import sys
import time
from pathlib import Path

from tools.alert_truth.evaluate import batch_rules
from tools.alert_truth.measure import measure
from tools.alert_truth.report import is_clear_mistake, mistakes, table

RULES = Path(__file__).parents[2] / "prometheus" / "ultravox.rules.yml"


def main() -> int:
    """Run the command; return 1 where an alert made a mistake, except about few calls."""
    parser = argparse.ArgumentParser(prog="python -m tools.alert_truth", description=__doc__)
    parser.add_argument("--campaigns", type=int, default=400, help="number of campaigns")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random campaigns")
    parser.add_argument("--rules", type=Path, default=RULES, help="file of the alert rules")
    options = parser.parse_args()
    promtool = shutil.which("promtool")
    if promtool is None:
        parser.error("promtool is not installed: install Prometheus, which brings it")
    started = time.monotonic()
    rules = batch_rules(options.rules.read_text("utf-8"))
    findings = list(measure(promtool, rules, options.seed, options.campaigns))
    sys.stdout.write(f"{table(findings)}\n")
    sys.stdout.writelines(f"{line}\n" for line in mistakes(findings))
    seconds = time.monotonic() - started
    sys.stdout.write(f"{options.campaigns} campaigns, seed {options.seed}, {seconds:.0f} s\n")
    return 1 if any(map(is_clear_mistake, findings)) else 0


if __name__ == "__main__":
    sys.exit(main())
