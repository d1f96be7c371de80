"""Fixtures of the tests of the configuration."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file to overwrite: property tests can't have one for each example."""
    return tmp_path_factory.mktemp("scratch") / "file"
