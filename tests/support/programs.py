"""Real programs: found, or the test is skipped with the name (failed under REQUIRE_E2E)."""

import os
import shutil

import pytest


def require(name: str) -> str:
    """Return the path of a program."""
    path = shutil.which(name)
    if path is not None:
        return path
    message = f"{name} is not installed"
    if os.environ.get("REQUIRE_E2E"):
        pytest.fail(f"{message}, and REQUIRE_E2E wants it")
    pytest.skip(message)


def require_3(name: str) -> str:
    """Return the path of one of Prometheus 3's programs: they lie in the folder $PROMETHEUS_3."""
    folder = os.environ.get("PROMETHEUS_3")
    if folder is None:
        return require(f"$PROMETHEUS_3/{name}")
    return require(f"{folder}/{name}")
