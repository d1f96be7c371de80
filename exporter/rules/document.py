"""All rules as a YAML file that Prometheus loads."""

import math
from collections.abc import Mapping

import yaml

from exporter.durations import render as duration
from exporter.rules.accounts import account_alerts
from exporter.rules.alert import Alert, annotations
from exporter.rules.batches import batch_alerts
from exporter.rules.exporters import exporter_alerts
from exporter.rules.recorded import recordings
from exporter.rules.thresholds import Links, Thresholds

HEAD = """\
# Recording and alerting rules for ultravox-batch-exporter, for Prometheus 2.42 or later, and 3.
# Printed by `ultravox-batch-exporter rules`; its flags set the thresholds: `rules --help`.
"""

Rule = Mapping[str, object]


def alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Return every alert."""
    return (*batch_alerts(thresholds), *account_alerts(thresholds), *exporter_alerts())


def render(thresholds: Thresholds, links: Links) -> str:
    """Return the rules as YAML, with a comment on top."""
    records = [{"record": name, "expr": text} for name, text in recordings(thresholds)]
    # One group: Prometheus evaluates its rules in order, so alerts read what was just recorded.
    rules = [*records, *(_rule(alert, links) for alert in alerts(thresholds))]
    document = {"groups": [{"name": "ultravox-batches", "rules": rules}]}
    return HEAD + yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, width=math.inf, allow_unicode=True
    )


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
