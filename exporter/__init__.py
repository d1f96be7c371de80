"""Prometheus exporter for Ultravox scheduled call batches.

The map, in the order in which data flow:

    cli         flags, subcommands, exit status
    app         composition root: builds the parts below and runs them in one task group
    config      the YAML file, checked whole, as one frozen `Config`
    polling     when to ask: one loop an agent, one an account; the only catcher of API errors
    api         how to ask: session, key, paging, typed records, what a failed answer means
    model       what is known: batches, agents, accounts and their health, frozen
    plan        what polling costs, against the limit of requests
    store       the last snapshot of every agent and account, replaced whole
    exposition  the catalogue of metrics, and (snapshot, now) -> exposition text
    web         /metrics, the landing page, health
    rules       the alert rules, as Prometheus reads them
    log         structured logs, without secrets
    errors      what may go wrong
    simulator   a local Ultravox API: the demo's back end and the tests' fake

Imports run downwards only: cli -> app -> web, polling, log -> exposition, store, api, rules ->
plan -> model, config -> errors. The simulator imports nothing of the rest.
"""

__version__ = "0.1.0"
