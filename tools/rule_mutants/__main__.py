"""`make mutants`: prints each mutant of the rules that no scenario notices.

`python -m tools.rule_mutants [NAME]` tries the rules whose name contains NAME. Needs promtool.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tools.rule_mutants.mutants import Rule, bundled_rules, mutants, name_of
from tools.rule_mutants.trial import Notices, is_noticed

AT_ONCE = os.cpu_count() or 1
"""Mutants that are tried at once."""


def survivors(rules: Sequence[Rule], promtool: str, part: str) -> Iterator[str]:
    """Try the mutants of rules whose name contains `part`; yield a line for each survivor."""
    chosen = [mutant for mutant in mutants(rules) if part in name_of(mutant.rule)]
    notices: Notices = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        trials = [
            (each, pool.submit(is_noticed, rules, each, promtool, notices)) for each in chosen
        ]
        for number, (mutant, trial) in enumerate(trials, 1):
            if not trial.result():
                yield f"{name_of(mutant.rule)}: {mutant.how}"
            if number % 20 == 0 or number == len(trials):
                sys.stdout.write(f"{number} of {len(trials)} mutants tried\n")
                sys.stdout.flush()


def main(part: str = "") -> int:
    """Print the survivors; return 1 if there are any, 2 without promtool."""
    promtool = shutil.which("promtool")
    if promtool is None:
        sys.stderr.write("promtool is not installed: it comes with Prometheus\n")
        return 2
    status = 0
    for line in survivors(bundled_rules(), promtool, part):
        sys.stdout.write(f"survives: {line}\n")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
