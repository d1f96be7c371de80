"""What tests of the configuration share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file to write over and over: property tests can't have one for each example."""
    return tmp_path_factory.mktemp("scratch") / "file"
