"""Prometheus exporter for Ultravox scheduled call batches.

The map, in the order in which data flow:

    cli         flags, subcommands, exit status
    app         composition root: builds the packages below and runs them in one task group
    config      the YAML file, validated as a whole, as one frozen `Config`
    polling     when to ask the API: one job for each agent, three for each account
    api         how to ask: session, API key, pagination, typed records, errors
    model       what is known: batches, agents, accounts and their health, frozen
    plan        request cost of polling, compared with the rate limit
    store       the last snapshot of every agent and account, replaced as a whole
    selection   which batches have series at a moment, and the sums over all of them
    metrics     what is exposed: one table of metrics for each kind of object
    render      how it becomes bytes: text, compressed fragments, the body of a scrape
    web         /metrics, the landing page, health
    rules       the alert rules, as Prometheus reads them
    durations   `1h30m`, as text and as seconds
    log         structured logs, without secrets
    log_queue   lines on their way to standard error, written by a thread
    errors      what may go wrong
    simulator   a local Ultravox API: the back end of the demo

Imports go downwards only: cli -> app -> web, polling -> render, api -> metrics, store, log ->
selection, rules -> plan -> model, config -> errors, durations, log_queue. `polling` does not import
`render`, `metrics` or `web`. The simulator imports nothing of the rest.
"""

__version__ = "0.1.0"
