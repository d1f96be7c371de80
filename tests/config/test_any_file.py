"""Any file is read as a configuration or as a list of problems, and raises nothing else."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import load
from exporter.config.schema import ROOT
from exporter.config.shapes import ListOf, MapOf, Scalar, Shape, fields
from exporter.errors import ConfigError


def assert_read_or_refused(path: Path) -> None:
    """Assert that the file is a configuration, or that its problems are in the order of lines."""
    try:
        assert load(path).accounts
    except ConfigError as error:
        lines = [problem.line or 0 for problem in error.problems]
        assert lines
        assert lines == sorted(lines)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.sampled_from(["30s", "1h", "a", "KEY", "https://a", "http://[::1", "", "*"])
    | st.text(st.characters(exclude_categories=["Cs"]))
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(SCALARS, inner), max_leaves=5
)
TOKENS = st.sampled_from(
    [
        *"\n -:?,[]{}&*!|>'\"%@`#~=<\t\0\x85\ufeff",
        *("\n  ", "\n- ", ": ", "&a ", "*a", "<<: ", "---\n", "...", "%YAML 1.9\n"),
        *("!!python/name:os.system ", "!!int ", "\\U00110000", "accounts", "name"),
    ]
)


def similar(shape: Shape) -> st.SearchStrategy[object]:
    """Return trees that look like the shape, with wrong values and missing keys here and there."""
    match shape:
        case Scalar():
            return SCALARS
        case ListOf():
            return st.lists(similar(shape.item), max_size=3) | ANYTHING
        case MapOf():
            return st.dictionaries(SCALARS, SCALARS, max_size=3) | ANYTHING
    keys = {name: similar(field.shape) for name, field in fields(shape.cls).items()}
    return st.fixed_dictionaries({}, optional={**keys, "nam": SCALARS}) | ANYTHING


@given(content=st.binary())
def test_any_bytes_are_read_or_refused(scratch: Path, content: bytes) -> None:
    scratch.write_bytes(content)
    assert_read_or_refused(scratch)


@given(tokens=st.lists(TOKENS | st.text(max_size=3), max_size=40))
def test_any_mix_of_yaml_tokens_is_read_or_refused(scratch: Path, tokens: list[str]) -> None:
    scratch.write_text("".join(tokens), "utf-8", errors="replace")
    assert_read_or_refused(scratch)


@given(tree=similar(ROOT))
def test_any_tree_is_read_or_refused(scratch: Path, tree: object) -> None:
    scratch.write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")
    assert_read_or_refused(scratch)


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "{a: ", "[*a, &a ", "!!map {? "])
def test_a_very_deep_file_is_read_or_refused(opening: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(opening * 1000)
    assert_read_or_refused(path)
