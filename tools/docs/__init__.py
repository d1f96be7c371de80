"""`make docs`: the pages and files that are generated from the code.

pages    every generated file, and the function that returns its text
metrics  docs/metrics.md
series   the number of series of a batch, an agent, an account
"""
