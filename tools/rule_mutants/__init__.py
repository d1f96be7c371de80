"""`make mutants`: each rule with one condition removed; at least one scenario must fail.

mutants  every rule with one condition removed or loosened
trial    scenarios run by promtool against a mutant
"""
