"""The runbooks and the queries in them."""

import re
from collections.abc import Iterator
from pathlib import Path

from tools.docs.pages import ROOT

RUNBOOKS = ROOT / "docs" / "runbooks"

_PROMQL = re.compile(r"^```promql\n(.+?)^```$", re.MULTILINE | re.DOTALL)


def runbooks() -> dict[str, Path]:
    """Return the path of each runbook by the name of its alert."""
    return {path.stem: path for path in RUNBOOKS.glob("*.md") if path.name != "README.md"}


def queries() -> Iterator[tuple[str, str]]:
    """Yield each PromQL query of the runbooks, with the name of its alert."""
    for name, path in sorted(runbooks().items()):
        for query in _PROMQL.findall(path.read_text()):
            yield name, query.strip()
