"""The pages that are written by hand name only what exists."""

import re
from pathlib import Path

import pytest

from exporter.metrics.catalogue import SECTIONS
from exporter.model import CALL_STATUSES, BatchState
from tools.docs.pages import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_metric_that_a_page_names_exists(page: Path) -> None:
    """Names of recorded series have a colon before `ultravox`, and are tested with the rules."""
    metrics = {family.name for _, families in SECTIONS for family in families}
    metrics |= {f"{name}_{suffix}" for name in metrics for suffix in ("bucket", "sum", "count")}
    named = re.findall(r"(?<![:\w/-])ultravox_\w+(?![\w*…]|_\*)", page.read_text("utf-8"))
    assert {name for name in named if not name.endswith("_")} - metrics == set()


def test_the_glossary_explains_every_state_and_every_call_status() -> None:
    """The states are in the order in which they are checked."""
    glossary = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    states = glossary.partition("### States of a batch")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", states, re.MULTILINE) == [*BatchState]
    (statuses,) = re.findall(r"^\| call status .*$", glossary, re.MULTILINE)
    assert set(CALL_STATUSES) <= set(re.findall(r"`(\w+)`", statuses))


def test_the_glossary_explains_no_word_twice() -> None:
    """One meaning for each word."""
    glossary = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|`]+?)(?: \*\(API\)\*)? \| .+ \|$", glossary, re.MULTILINE)
    words = [word for row in rows for word in row.split(", ") if word not in ("word", "state")]
    assert len(words) > 50
    assert len(words) == len(set(words))
