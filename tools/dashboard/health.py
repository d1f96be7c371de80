"""The table of exporters, and charts of polls, of the API and of the processes."""

from grafana_foundation_sdk.builders import table, timeseries

from tools.dashboard.panels import chart, chart_with_limit
from tools.dashboard.queries import SELECTED, by_agent, gauge, selector, with_agent_name
from tools.dashboard.tables import Column, coloured_codes, table_panel

INTERVAL = "$__rate_interval"
BUILD_INFO = selector("ultravox_exporter_build_info")
IS_EXPORTER = f"on (job, instance) last_over_time({BUILD_INFO}[$__range])"
"""Matches the targets that are exporters: other targets have `up` and `process_*` too."""

VERSIONS = f"max by (job, instance, version, python) ({BUILD_INFO})"
_HEALTH = coloured_codes({0: ("down", "red"), 1: ("up", "green")})


def _by_exporter(vector: str) -> str:
    return f"max by (job, instance) ({vector} and {IS_EXPORTER})"


def exporters_table() -> table.Panel:
    """Return the table of exporters."""
    started = f"1000 * {_by_exporter(selector('process_start_time_seconds'))}"
    return table_panel(
        "Exporters",
        "The exporters that Prometheus scrapes. Down: check that the exporter runs and that"
        " Prometheus can reach it. Two replicas are no problem: every batch counts once.",
        [
            Column("Health", "up", 100, "none", _by_exporter(selector("up")), _HEALTH),
            Column("Job", "job", 140),
            Column("Instance", "instance", 260),
            Column("Version", "version", 120),
            Column("Python", "python", 110),
            Column("Build", "build", 0, expression=VERSIONS, hidden=True),
            Column("Started", "started", 180, "dateTimeAsIso", started),
        ],
        required="up",
        sort_by="Started",
        if_empty="no exporter",
    )


def health_charts() -> list[timeseries.Panel]:
    """Return the charts of polls, of the API and of the processes."""
    return [*_poll_charts(), *_api_charts(), _waits(), *_process_charts()]


def _poll_charts() -> list[timeseries.Panel]:
    failures = selector("ultravox_agent_poll_failures_total")
    failed = f"sum by (account, reason) (rate({failures}[{INTERVAL}]))"
    return [
        chart(
            "Data age by agent",
            "Time since the last successful poll of each agent. It goes up and down between 0 and"
            " the poll interval. A line that only goes up: the polls of this agent fail; the next"
            " chart shows why.",
            "s",
            (with_agent_name(f"(time() - {by_agent(SELECTED.last_success)})"), "{{agent}}"),
        ),
        chart(
            "Failed polls",
            "Failed polls per minute, by reason. auth: put a valid API key into the key file, or"
            " into the environment variable and restart the exporter. rate_limited: lower"
            " requests_per_second, or find the other program that uses the same API key. Other"
            " reasons: see the charts of the API.",
            "suffix: /min",
            (f"60 * {failed}", "{{account}} \u00b7 {{reason}}"),
        ),
        chart_with_limit(
            "Planned requests",
            "Requests per second that polling needs; dashed: the rate limit (requests_per_second)."
            " Above the dashed line, polls are late: raise requests_per_second, or the poll"
            " intervals.",
            "reqps",
            gauge("ultravox_account_planned_requests_per_second"),
            gauge("ultravox_account_allowed_requests_per_second"),
        ),
    ]


def _api_charts() -> list[timeseries.Panel]:
    requests = selector("ultravox_exporter_api_requests_total")
    buckets = selector("ultravox_exporter_api_request_duration_seconds_bucket")
    by_resource = f"sum by (le, resource) (rate({buckets}[{INTERVAL}]))"
    by_code = f"sum by (account, code) (rate({requests}[{INTERVAL}]))"
    return [
        chart(
            "API responses",
            "Requests per second to the API, by HTTP status code; error: no complete response"
            " arrived. 401, 403: check the API key. 429: lower requests_per_second. 5xx: Ultravox"
            " has a problem; see its status page.",
            "reqps",
            (by_code, "{{account}} \u00b7 {{code}}"),
        ),
        chart(
            "API latency",
            "95 % of the requests are faster than this, by resource. If a line comes near"
            " polling.timeout, raise polling.timeout, or polls will fail.",
            "s",
            (f"histogram_quantile(0.95, {by_resource})", "{{resource}}"),
        ),
    ]


def _waits() -> timeseries.Panel:
    retries = selector("ultravox_exporter_api_retries_total")
    waits = selector("ultravox_exporter_api_rate_limit_wait_seconds_total")
    return chart(
        "Retries and rate limit",
        "Retries per second, and seconds per second that requests wait for the rate limit. If"
        " requests wait often, raise requests_per_second, if the account allows that.",
        "short",
        (
            f"sum by (account, reason) (rate({retries}[{INTERVAL}]))",
            "retries: {{account}} \u00b7 {{reason}}",
        ),
        (f"sum by (account) (rate({waits}[{INTERVAL}]))", "waiting: {{account}}"),
    )


def _process_charts() -> list[timeseries.Panel]:
    cpu_seconds = selector("process_cpu_seconds_total")
    return [
        chart(
            "Memory",
            "Resident memory of each exporter. It grows with the number of live batches; if it"
            " grows without them, please report a bug.",
            "bytes",
            (_by_exporter(selector("process_resident_memory_bytes")), "{{instance}}"),
        ),
        chart(
            "CPU",
            "CPU cores that each exporter uses. Near 1, the exporter is overloaded: raise the poll"
            " intervals, or distribute the agents over several exporters.",
            "short",
            (_by_exporter(f"rate({cpu_seconds}[{INTERVAL}])"), "{{instance}}"),
        ),
    ]
