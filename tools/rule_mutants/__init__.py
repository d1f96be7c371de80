"""`make mutants`: each rule with one guard removed; at least one scenario must fail."""
