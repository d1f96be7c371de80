"""`make mutants`: removes each guard of the rules; at least one scenario must fail.

mutants  the rules, each with one guard removed
trial    whether a scenario notices a mutant
"""
