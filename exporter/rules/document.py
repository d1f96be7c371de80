"""All rules as a YAML file that Prometheus loads."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import yaml

from exporter.durations import render as duration
from exporter.rules.accounts import account_alerts
from exporter.rules.alert import Alert, annotations
from exporter.rules.batches import batch_alerts, forecast_alerts
from exporter.rules.exporters import exporter_alerts
from exporter.rules.recorded import Recordings, of_batches, of_exporters, of_forecasts, of_service
from exporter.rules.thresholds import Links, Thresholds

HEAD = """\
# Recording and alerting rules for ultravox-batch-exporter, for Prometheus 2.42 or later, and 3.
# Printed by `ultravox-batch-exporter rules`; its flags set the thresholds: `rules --help`.
"""

Rule = Mapping[str, object]


class Group(NamedTuple):
    """A group of rules: Prometheus evaluates its recordings first, then its alerts, in order."""

    name: str
    recordings: Recordings
    alerts: tuple[Alert, ...]


def groups(thresholds: Thresholds) -> tuple[Group, ...]:
    """Return every group.

    Services that run rules for many users allow 20 rules in a group. A rule reads what was just
    recorded in its own group, and what another group recorded up to one evaluation interval ago:
    only the forecasts, whose rates cover half an hour, read from another group.
    """
    return (
        Group("ultravox-batches", of_batches(thresholds), batch_alerts(thresholds)),
        Group("ultravox-forecasts", of_forecasts(thresholds), forecast_alerts(thresholds)),
        Group("ultravox-service", of_service(), account_alerts(thresholds)),
        Group("ultravox-exporters", of_exporters(), exporter_alerts()),
    )


def recordings(thresholds: Thresholds) -> Recordings:
    """Return every recorded name with its expression."""
    return tuple(each for group in groups(thresholds) for each in group.recordings)


def alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Return every alert."""
    return tuple(alert for group in groups(thresholds) for alert in group.alerts)


def render(thresholds: Thresholds, links: Links) -> str:
    """Return the rules as YAML, with a comment on top."""
    document = {"groups": [_group(group, links) for group in groups(thresholds)]}
    return HEAD + yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, width=math.inf, allow_unicode=True
    )


def _group(group: Group, links: Links) -> Rule:
    records = [{"record": name, "expr": text} for name, text in group.recordings]
    return {"name": group.name, "rules": [*records, *(_rule(each, links) for each in group.alerts)]}


def _rule(alert: Alert, links: Links) -> Rule:
    pending = {"for": duration(alert.pending)} if alert.pending else {}
    return {
        "alert": alert.name,
        "expr": alert.expression,
        **pending,
        "labels": {"severity": alert.severity},
        "annotations": annotations(alert, links),
    }


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as YAML block scalars."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text)
