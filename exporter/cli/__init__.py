"""The command line.

    main         subcommands, exit status
    flags        what each subcommand takes
    serve        poll and serve until told to end
    check        the configuration, judged, and what it would poll
    demo         a simulated account and the exporter on it
    healthcheck  ask a running exporter whether it lives
    rules        the alert rules, printed

Exit status: 0 done, 1 failed while running, 2 wrong usage or configuration.
"""

from exporter.cli.main import main

__all__ = ["main"]
