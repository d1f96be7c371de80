"""The dashboard's variables and annotations. Their queries stand on one line: Grafana wants it."""

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

from tools.dashboard.health import OURS
from tools.dashboard.parts import SOURCE
from tools.dashboard.queries import NAMES, THRESHOLDS, series

KINDS = {"label_values": 1, "query_result": 3}
"""How Grafana numbers the kinds of a variable's query."""

INTERVALS = {"15m": 900, "30m": 1800, "1h": 3600, "2h": 7200}
"""Values in seconds: a query can reckon with those."""

ALL = VariableOption(selected=True, text=["All"], value=["$__all"])


def variables() -> list[Builder[VariableModel]]:
    """Return the variables, each narrowed by those before it."""
    return [
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .description("The Prometheus that scrapes the exporter.")
        .type("prometheus"),
        _chosen("job", "Job", _values("ultravox_exporter_build_info", "job"), ".+"),
        _chosen(
            "account", "Account", _values("ultravox_account_allowed_requests_per_second", "account")
        ),
        _chosen("agent", "Agent", f"query_result({NAMES})").regex(
            '/agent="(?<text>.*)",\\s*agent_id="(?<value>[^"]+)"/'
        ),
        _chosen("batch", "Batch", _values("ultravox_batch_calls", "batch_id")),
        _interval(),
    ]


def _values(metric: str, label: str) -> str:
    """Return what asks for a label's values."""
    return f"label_values({series(metric)},{label})"


def _chosen(name: str, label: str, query: str, everything: str = ".*") -> dashboard.QueryVariable:
    kind = query.partition("(")[0]
    # What fills a variable is not narrowed by it.
    query = re.sub(rf',?\w+=~"\${name}"', "", query).replace("{,", "{").replace("{}", "")
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .description(f"Narrows every panel. {label}s that the data source knows of.")
        .datasource(SOURCE)
        .query({"qryType": KINDS[kind], "query": query, "refId": f"variable-{name}"})
        .definition(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
        .multi(True)
        .include_all(True)
        .all_value(everything)
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
        .label("Pace interval")
        .description("Over how long the pace is measured. Shorter is quicker, longer is calmer.")
        .values(",".join(f"{option.text} : {option.value}" for option in options))
        .options(options)
        .current(next(option for option in options if option.selected))
    )


def annotations() -> list[Builder[AnnotationQuery]]:
    """Return what is marked in the charts."""
    alerts = (
        'ALERTS{alertname=~"Ultravox.+",alertstate="firing",job=~"$job|",account=~"$account|",'
        'agent_id=~"$agent|",batch_id=~"$batch|"}'
    )
    started = series("process_start_time_seconds")
    return [
        _annotation("Alerts", alerts, "red", "{{alertname}}", "{{account}} {{batch_id}}"),
        _annotation(
            "Restarts", f"1000 * {started} and {OURS}", "blue", "Exporter started", "{{instance}}"
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
