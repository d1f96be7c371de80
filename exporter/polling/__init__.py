"""When the API is asked, and what becomes of its answers.

    fleet      an account's loops, and which agents have one
    probe      the account's loop: whether its key works, and its concurrency
    discovery  the loop that decides which agents are watched
    agent      an agent's loop: listing, name, health
    listing    how much is read
    outcome    the snapshot that follows a poll
    schedule   cadence, deadlines, and the proof that the loops live
    context    what every loop of an account works with

API errors are caught in `probe`, `discovery` and `agent`, and nowhere else.
"""
