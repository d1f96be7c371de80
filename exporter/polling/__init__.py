"""When the API is asked, and what becomes of its answers.

    fleet      an account's loops, and which agents have one
    probe      the account's loop: whether its key works, and its concurrency
    discovery  the loop that decides which agents are watched
    calls      the account's loop for calls by status
    agent      an agent's loop: listing, name, health
    listing    how much is read
    outcome    the snapshot that follows a poll
    survey     what the accounts answer, and what polling them will cost, beforehand
    schedule   cadence, deadlines, and the proof that the loops live
    context    what every loop of an account works with

API errors are caught in `probe`, `discovery`, `calls`, `agent` and `survey`, and nowhere else.
"""
