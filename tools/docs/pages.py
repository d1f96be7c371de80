"""`make docs`: writes the generated pages and files. A test compares each with its generator."""

from collections.abc import Callable, Mapping
from pathlib import Path

from exporter.config import json_schema_text
from exporter.rules.document import render as rules
from exporter.rules.thresholds import Links, Thresholds
from tools.dashboard.dashboard import render as dashboard
from tools.docs.metrics import render as metrics

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "grafana" / "ultravox-batches.json"


PAGES: Mapping[Path, Callable[[], str]] = {
    ROOT / "docs" / "metrics.md": metrics,
    ROOT / "docs" / "config.schema.json": json_schema_text,
    ROOT / "prometheus" / "ultravox.rules.yml": lambda: rules(Thresholds(), Links()),
    DASHBOARD: dashboard,
}
"""Every generated file, and the function that returns its text."""


if __name__ == "__main__":
    for path, text in PAGES.items():
        path.write_text(text(), "utf-8")
