"""`docs/metrics.md`, from the catalogue of metrics and the records of the API."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from exporter.api.schemas import AccountRecord, AgentRecord, BatchRecord
from exporter.metrics.batch import BATCH_METRICS
from exporter.metrics.catalogue import SECTIONS
from exporter.metrics.metric import Family
from tools.docs.series import CALLS, ENDED, series

FAMILIES = [family for _, families in SECTIONS for family in families]

INTRODUCTION = """\
# Metrics

<!-- `make docs` writes this page from the catalogue in `exporter/metrics/`. -->

A series is absent when its value is unknown or not applicable. The exporter never exposes 0 or NaN
for an unknown value.

Labels identify an object by what never changes: `account`, `agent_id`, `batch_id`. Names, and the
labels that you configure, are on `ultravox_agent_info` only. Join them in a query:

```promql
ultravox_batch_calls_remaining
  * on (instance, account, agent_id) group_left (agent, team) ultravox_agent_info
```

Times are seconds since the Unix epoch. `ultravox_batch_state`, the sums by state and
`ultravox_batch_window_remaining_seconds` are computed for the time of the scrape. All other values
of a batch are the API's latest complete answer.

An agent's data are *stale* when its last successful poll is older than `polling.stale_after`. Then
the series of its batches, the sums by state, and the reported and hidden counts are absent until a
poll succeeds. The metrics of the polls (`ultravox_agent_up` and so on) stay.

Stability: name and labels of a `stable` metric change in a major version only; new values of a
label may be added at any time. Name and labels of an `experimental` metric may change in a minor
version.
"""

STATES = """
## States of a batch

A batch has the first state in this table whose condition is true at the time of the scrape.

| state | condition on the API's fields | in words |
|---|---|---|
| `ended` | `endedAt` is set | the batch has ended |
| `paused` | `paused` is true | the batch is paused; Ultravox documents no way to resume a batch |
| `window_closed` | `windowEnd` <= now | the window is over, the batch has not ended |
| `scheduled` | `windowStart` > now | the window is not open yet |
| `drained` | `completedCount` >= `totalCount` | all calls are completed, the batch has not ended |
| `active` | none of the conditions above | calls are being made, or should be |
"""

API = """
## From the API's fields to series

The exporter decodes these fields and no others. A row names every metric whose value depends on the
field. A HELP text names the fields from which the value is made: `(API: totalCount)`.

| record | field | series |
|---|---|---|
"""

ENDED_BATCHES = """
## Ended batches

An ended batch is exposed for `batches.keep_ended` after its end. It has only the series that the
alert rules, their runbooks and the dashboard read:

"""

AFTER_ENDED = """
Of `ultravox_batch_state`, only `state="ended"` is present. All other series of a batch are absent
once it has ended; their history stays in Prometheus.
"""

ENDING = """
## The process

`process_*`, `python_info` and `python_gc_*` are those of prometheus_client.
"""

IDENTITIES = {"batchId": "label `batch_id`", "agentId": "label `agent_id`"}
"""Fields that become a label of every series of the object."""

LISTS = ("scheduled_batches", "scheduled_calls")
"""Lists of which the field `total` is read."""

FIELDS = {
    **{field: ("batch", field) for field in BatchRecord.__struct_encode_fields__},
    **{field: ("agent", field) for field in AgentRecord.__struct_encode_fields__},
    **{field: ("account", field) for field in AccountRecord.__struct_encode_fields__},
    **{f"total of {name}": (f"list `{name}`", "total") for name in LISTS},
}
"""The record and the field of everything that is decoded, by the name in `Family.api`."""


def render() -> str:
    """Return the page."""
    tables = (_table(title, families) for title, families in SECTIONS)
    return "".join(
        [
            INTRODUCTION,
            STATES,
            API,
            *_fields(),
            ENDED_BATCHES,
            *_ended(),
            AFTER_ENDED,
            *tables,
            ENDING,
        ]
    )


def _fields() -> Iterator[str]:
    for name, (record, field) in FIELDS.items():
        metrics = ", ".join(f"`{family.name}`" for family in FAMILIES if name in family.api)
        yield f"| {record} | `{field}` | {IDENTITIES.get(name, metrics)} |\n"


def _ended() -> Iterator[str]:
    for metric in BATCH_METRICS:
        if series(metric, replace(ENDED, call_status=CALLS)):
            yield f"- `{metric.name}`\n"


def _table(title: str, families: Iterable[Family]) -> str:
    rows = "".join(_row(family) for family in families)
    head = "| metric | type | labels | unit | meaning | stability |\n|---|---|---|---|---|---|\n"
    return f"\n## {title}\n\n{head}{rows}"


def _row(family: Family) -> str:
    labels = " ".join(f"`{label}`" for label in family.labels)
    return (
        f"| `{family.name}` | {family.kind} | {labels} | {family.unit} | {family.help}"
        f" | {family.stability} |\n"
    )
