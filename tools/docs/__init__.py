"""`make docs`: the pages and files that are generated from the code.

pages  every generated page, and the function that returns its text
"""
