"""When the API is asked, and what becomes of its responses.

    supervisor     starts and stops the jobs of an account
    schedule       when a job runs: interval, back-off, `run_periodically`
    job            what a job is, and how one run of it ended
    poll_slots     who may poll
    heartbeat      what `/-/healthy` and `/-/ready` report
    health_log     log lines when the health of a job changes
    poller         the job of an agent: listing, name, health
    listing        how much of an agent's listing is read
    transitions    the next snapshot after a poll
    discovery      the job that discovers agents
    account_probe  the job that asks for the account: API key, concurrency
    call_status    the job that asks how many calls are in each status
    call_counts    which of these numbers to ask for, and which follow from the others
    preflight      what `check --live` does

API errors are caught in the jobs and in `preflight`, and nowhere else.
"""
