"""The exporter, and the API as it sees it: what to look at when numbers are missing."""

from grafana_foundation_sdk.builders import table, timeseries

from tools.dashboard.parts import against_allowed, chart
from tools.dashboard.queries import SELECTED, by_agent, last, named, series
from tools.dashboard.tables import Column, coloured, rows

RATE = "$__rate_interval"
BUILD = series("ultravox_exporter_build_info")
OURS = f"on (job, instance) last_over_time({BUILD}[$__range])"
"""Whether a target is one of ours: other jobs have `up` and `process_*` as well."""

BUILT = f"max by (job, instance, version, python) ({BUILD})"
REQUESTS = series("ultravox_exporter_api_requests_total")
_UP = coloured({0: ("down", "red"), 1: ("up", "green")})


def _target(vector: str) -> str:
    return f"max by (job, instance) ({vector} and {OURS})"


def exporters() -> table.Panel:
    """Return the table of exporters."""
    started = series("process_start_time_seconds")
    return rows(
        "Exporters",
        "Each exporter that Prometheus scraped. Down: see whether it runs and can be reached. Two"
        " replicas are all right: nothing here counts twice.",
        [
            Column("Scrape", "up", 100, "none", _target(series("up")), _UP),
            Column("Job", "job", 140),
            Column("Instance", "instance", 260),
            Column("Version", "version", 120),
            Column("Python", "python", 110),
            Column("Build", "build", 0, expression=BUILT, hidden=True),
            Column("Started", "started", 180, "dateTimeAsIso", f"1000 * {_target(started)}"),
        ],
        only="up",
        worst="Started",
        empty="no exporter",
    )


def health_charts() -> list[timeseries.Panel]:
    """Return how the exporter and the API do."""
    return [*_polls(), *_api(), *_process()]


def _polls() -> list[timeseries.Panel]:
    failures = series("ultravox_agent_poll_failures_total")
    planned = last("ultravox_account_planned_requests_per_second")
    allowed = last("ultravox_account_allowed_requests_per_second")
    failed = f"sum by (account, reason) (rate({failures}[{RATE}]))"
    return [
        chart(
            "Data age by agent",
            "How long ago each agent was last heard of. It saws between zero and the polling"
            " interval; a line that climbs is an agent that fails: see the reasons beside.",
            "s",
            (named(f"(time() - {by_agent(SELECTED.last_success)})"), "{{agent}}"),
        ),
        chart(
            "Failed polls",
            "Failed polls a minute by reason. auth: put a valid key into its file. rate_limited:"
            " something else uses the key. The others: look at the API charts beside.",
            "suffix: /min",
            (f"60 * {failed}", "{{account}} \u00b7 {{reason}}"),
        ),
        against_allowed(
            "Planned requests",
            "Requests that polling needs, and dashed how many there may be. Above, polls come"
            " late: raise requests_per_second or the intervals.",
            "reqps",
            planned,
            allowed,
        ),
    ]


def _api() -> list[timeseries.Panel]:
    buckets = series("ultravox_exporter_api_request_duration_seconds_bucket")
    retries = series("ultravox_exporter_api_retries_total")
    waits = series("ultravox_exporter_api_rate_limit_wait_seconds_total")
    slowest = f"sum by (le, resource) (rate({buckets}[{RATE}]))"
    return [
        chart(
            "API answers",
            "Requests to the API by status; error: no whole answer came. 401 or 403: the key."
            " 429: the rate. 5xx: Ultravox itself; wait, and see its status page.",
            "reqps",
            (
                f"sum by (account, code) (rate({REQUESTS}[{RATE}]))",
                "{{account}} \u00b7 {{code}}",
            ),
        ),
        chart(
            "API latency",
            "How long 95 of 100 requests take at most, by resource. If it nears polling.timeout,"
            " raise that, or polls fail.",
            "s",
            (f"histogram_quantile(0.95, {slowest})", "{{resource}}"),
        ),
        chart(
            "Retries and waiting",
            "Requests made again, and seconds that requests were held back for each second. Much"
            " waiting: raise requests_per_second, if the account allows it.",
            "short",
            (
                f"sum by (account, reason) (rate({retries}[{RATE}]))",
                "retries: {{account}} \u00b7 {{reason}}",
            ),
            (f"sum by (account) (rate({waits}[{RATE}]))", "waiting: {{account}}"),
        ),
    ]


def _process() -> list[timeseries.Panel]:
    memory = _target(series("process_resident_memory_bytes"))
    processor = series("process_cpu_seconds_total")
    return [
        chart(
            "Memory",
            "Memory of each exporter. It follows the number of live batches; if it climbs without"
            " them, please report it.",
            "bytes",
            (memory, "{{instance}}"),
        ),
        chart(
            "Processor",
            "Cores that each exporter uses. Near 1 it can't keep up: raise the intervals, or split"
            " the agents among exporters.",
            "short",
            (_target(f"rate({processor}[{RATE}])"), "{{instance}}"),
        ),
    ]
