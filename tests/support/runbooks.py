"""The pages for whoever is woken, as tests read them."""

import re
from collections.abc import Iterator
from pathlib import Path

from tools.docs.pages import ROOT

RUNBOOKS = ROOT / "docs" / "runbooks"

_PROMQL = re.compile(r"^```promql\n(.+?)^```$", re.MULTILINE | re.DOTALL)


def pages() -> dict[str, Path]:
    """Return each page but the index, by the alert that it is named after."""
    return {path.stem: path for path in RUNBOOKS.glob("*.md") if path.name != "README.md"}


def queries() -> Iterator[tuple[str, str]]:
    """Yield the alert and the text of each PromQL query of the pages."""
    for name, path in sorted(pages().items()):
        for query in _PROMQL.findall(path.read_text()):
            yield name, query.strip()
