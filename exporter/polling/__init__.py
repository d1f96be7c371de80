"""When the API is asked, and what becomes of its responses.

    supervisor     starts and stops the jobs of an account
    schedule       when a job runs: interval, back-off, `run_periodically`
    heartbeat      the proof that each job still runs
    poller         the job of an agent: listing, name, health
    listing        how much of an agent's listing is read
    transitions    the next snapshot after a poll
    discovery      the job that discovers agents
    account_probe  the job that asks for the account: API key, concurrency
    call_status    the job that asks for the number of calls by status
    preflight      what `check --live` does
    context        what every job of an account works with

API errors are caught in the jobs and in `preflight`, and nowhere else.
"""
