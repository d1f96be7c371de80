"""The files that Grafana reads at start have the documented format and match the dashboard."""

from pathlib import Path
from typing import Any

import yaml

from tools.docs.pages import DASHBOARD

FOLDER = DASHBOARD.parent / "provisioning"


def read(path: Path) -> Any:  # noqa: ANN401 - YAML of many shapes
    """Return the content of a file; every file has version 1 of the format."""
    content = yaml.safe_load(path.read_text("utf-8"))
    assert content["apiVersion"] == 1
    return content


def test_the_data_source_is_a_prometheus_that_is_queried_by_post() -> None:
    """Some queries are too long for the URL of a GET."""
    (source,) = read(FOLDER / "datasources" / "prometheus.yml")["datasources"]
    assert source.keys() >= {"name", "uid", "access", "url"}
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert source["jsonData"]["httpMethod"] == "POST"


def test_the_provider_reads_the_folder_that_the_page_mounts() -> None:
    (provider,) = read(FOLDER / "dashboards" / "ultravox.yml")["providers"]
    assert provider["type"] == "file"
    page = (DASHBOARD.parents[1] / "docs" / "dashboard.md").read_text("utf-8")
    assert f"{DASHBOARD.name}:{provider['options']['path']}/{DASHBOARD.name}:ro" in page
    assert "grafana/provisioning:/etc/grafana/provisioning:ro" in page


def test_nothing_else_is_provisioned() -> None:
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*")}
    assert found == {"datasources/prometheus.yml", "dashboards/ultravox.yml"}
