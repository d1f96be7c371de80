"""The banned phrases and where they are searched. `python -m tests.wording [PATH]` prints them.

phrases   the list: what is banned, what to write instead, and what is allowed
texts     every text that ships, with its file and line
search    finds the phrases in the texts
"""
