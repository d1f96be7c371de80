"""The cost of a scrape, compared with other exporters: `python -m benchmarks`.

Every figure is a ratio of two measurements made alternately in one run on one machine, because
times alone say more about the machine. Nothing is asserted: the machine may be busy.

    --batches 1000 10000 100000   the sizes, one column of the table each
    --quick                       fewer rounds, for a first look

Contestants are servers in processes of their own, all with the same batches; the client reads bytes
from a socket and does not parse them. `client_golang` is Debian's prometheus-pushgateway, to which
our exposition was pushed; without that program its rows are not measured. It adds the labels `job`
and `instance` to each series, and merges groups of pushes: that is its own cost, not that of
client_golang.

load          batches as pages of the API's JSON, and the polls that read them
contestants   the applications that are measured
serve         one contestant as a process of its own
processes     starts such processes and ends them
client        reads an exposition, and measures how long that takes
pushgateway   the contestant client_golang
scrapes       wall time of scrapes, contestants alternately; memory per batch
processor     processor time of polls, rendering and scrapes
event_loop    the longest delay of the event loop
table         the ratios as Markdown, and the machine
"""
