"""The command line: one module per command, each with its flags and its exit status.

    main         parses the arguments, runs a command, returns the exit status
    output       standard output and standard error
    flags        flags that several commands have, and the values of flags
    serve        poll the API and serve metrics until a signal
    check        validate the configuration; with `--live`, also ask the API
    demo         serve metrics of a simulated account
    healthcheck  ask a running exporter whether it is healthy
    rules        print the alert rules

Exit status: 0 done, 1 failed while running, 2 wrong usage or configuration.
"""

from exporter.cli.main import main

__all__ = ["main"]
