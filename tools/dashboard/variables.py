"""The dashboard's variables and annotations. A query of a variable must be one line in Grafana."""

import re
from typing import Literal

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    AnnotationQuery,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from tools.dashboard.health import IS_EXPORTER
from tools.dashboard.panels import SOURCE
from tools.dashboard.queries import AGENT_NAMES, selector
from tools.dashboard.thresholds import THRESHOLDS

QUERY_TYPES = {"label_values": 1, "query_result": 3}
"""Grafana's number for each function of a variable's query."""

INTERVALS = {"15m": 900, "30m": 1800, "1h": 3600, "2h": 7200}
"""The values of the variable `interval` in seconds, by their text: queries compute with them."""

ALL = VariableOption(selected=True, text=["All"], value=["$__all"])


def variables() -> list[Builder[VariableModel]]:
    """Return the variables; each offers only what the variables before it select."""
    accounts = _label_values("ultravox_account_allowed_requests_per_second", "account")
    agents = f"query_result({AGENT_NAMES})"
    name_and_id = '/agent="(?<text>.*)",\\s*agent_id="(?<value>[^"]+)"/'
    jobs = _label_values("ultravox_exporter_build_info", "job")
    return [
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .description("The Prometheus that scrapes the exporter.")
        .type("prometheus"),
        _query_variable("job", "Job", "jobs", jobs, ".+"),
        _query_variable("account", "Account", "accounts", accounts),
        _query_variable("agent", "Agent", "agents", agents).regex(name_and_id),
        _query_variable(
            "batch", "Batch", "batches", _label_values("ultravox_batch_calls", "batch_id")
        ),
        _interval(),
    ]


def _label_values(metric: str, label: str) -> str:
    return f"label_values({selector(metric)},{label})"


def _query_variable(
    name: str, label: str, plural: str, query: str, all_value: str = ".*"
) -> dashboard.QueryVariable:
    function = query.partition("(")[0]
    # The query of a variable must not depend on the variable itself.
    query = re.sub(rf',?\w+=~"\${name}"', "", query).replace("{,", "{").replace("{}", "")
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .description(f"All panels show the selected {plural} only.")
        .datasource(SOURCE)
        .query({"qryType": QUERY_TYPES[function], "query": query, "refId": f"variable-{name}"})
        .definition(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
        .multi(True)
        .include_all(True)
        .all_value(all_value)
        .current(ALL)
    )


def _interval() -> dashboard.CustomVariable:
    options = [
        VariableOption(
            selected=float(seconds) == THRESHOLDS.rate_over, text=text, value=f"{seconds}"
        )
        for text, seconds in INTERVALS.items()
    ]
    return (
        dashboard.CustomVariable("interval")
        .label("Completion rate over")
        .description(
            "Time over which completion rates are measured. A short time shows changes sooner, a"
            " long time shows less noise."
        )
        .values(",".join(f"{option.text} : {option.value}" for option in options))
        .options(options)
        .current(next(option for option in options if option.selected))
    )


def annotations() -> list[Builder[AnnotationQuery]]:
    """Return the annotations: firing alerts, and starts of the exporter."""
    alerts = (
        'ALERTS{alertname=~"Ultravox.+",alertstate="firing",job=~"$job|",account=~"$account|",'
        'agent_id=~"$agent|",batch_id=~"$batch|"}'
    )
    started = f"1000 * {selector('process_start_time_seconds')} and {IS_EXPORTER}"
    return [
        _annotation("Alerts", alerts, "red", "{{alertname}}", "{{account}} {{batch_id}}"),
        _annotation(
            "Restarts", started, "blue", "Exporter started", "{{instance}}"
        ).use_value_for_time(True),
    ]


_Colour = Literal["red", "blue"]


def _annotation(
    name: str, expression: str, colour: _Colour, title: str, text: str
) -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(True)
        .icon_color(colour)
        .expr(expression)
        .step("60s")
        .title_format(title)
        .text_format(text)
    )
