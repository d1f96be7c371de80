"""What a scrape costs, beside what it costs others: `python -m benchmarks`.

Every figure is a ratio of two measurements that were made in turns in one run on one machine, since
times alone say more about the machine. Nothing is asserted: a busy neighbour is no bug.

    --batches 1000 10000 100000   the sizes, a column of the table each
    --quick                       fewer rounds, for a first look

Contestants are servers in processes of their own, all with the same batches; the client reads bytes
from a socket and does not look at them. `client_golang` is Debian's prometheus-pushgateway, to
which our page was pushed; without that program its rows are not measured. It adds the labels `job`
and `instance` to each series, and merges groups of pushes: its own cost, not client_golang's.

load          batches as pages of the API's JSON, and the polls that read them
contestants   the applications that are measured
serve         one contestant as a process of its own
processes     starts such processes and ends them
client        reads a page, and measures how long that takes
pushgateway   client_golang's page
scrapes       wall time of scrapes, contestants in turns
processor     processor time of polls, rendering and scrapes
turns         how long the event loop is held up, and how much memory a batch takes
table         the ratios as Markdown, and the machine
"""
