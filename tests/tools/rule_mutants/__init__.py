"""The mutants of the rules."""
