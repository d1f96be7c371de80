"""The rules of CONTRIBUTING.md for the source code: sizes, reasons for exceptions, no patches."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.docs.pages import ROOT

MAX_MODULE = 250
"""Lines of a module."""

MAX_FUNCTION = 35
"""Lines of a function, with its decorators, docstring and inner functions."""

MAX_EXPORTER_MODULES = 99
"""Modules of the package `exporter`. Merge small modules before you raise this number."""

_DIRECTIVE = re.compile(
    r"noqa(?:: [A-Z]+\d+(?:, [A-Z]+\d+)*)?|type: ignore(?:\[[\w, -]*\])?|pragma: no \w+"
)


def modules(*folders: str) -> list[Path]:
    """Return the Python files of these folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


LIMITED = modules("exporter", "tools", "benchmarks")
TESTS = modules("tests")


def offenders(paths: list[Path], check: Callable[[str], list[str]]) -> dict[str, list[str]]:
    """Return by path what the check finds in the text of a module; no paths without findings."""
    found = {str(path.relative_to(ROOT)): check(path.read_text("utf-8")) for path in paths}
    return {path: findings for path, findings in found.items() if findings}


def too_long(text: str) -> list[str]:
    """Return what of a module has too many lines."""
    lines = len(text.splitlines())
    module = [f"the module has {lines} lines"] if lines > MAX_MODULE else []
    lengths = {
        node.name: (node.end_lineno or 0) - min(_starts(node)) + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return module + [f"{n} has {lines}" for n, lines in lengths.items() if lines > MAX_FUNCTION]


def _starts(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[int]:
    return [node.lineno, *(decorator.lineno for decorator in node.decorator_list)]


def test_modules_and_functions_are_small() -> None:
    assert offenders(LIMITED, too_long) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 1\n" * MAX_MODULE, []),
        ("x = 1\n" * (MAX_MODULE + 1), ["the module has 251 lines"]),
        ("def f():\n" + "    x = 1\n" * (MAX_FUNCTION - 1), []),
        ("class A:\n  @x\n  def f():\n" + "    x = 1\n" * (MAX_FUNCTION - 1), ["f has 36"]),
    ],
)
def test_the_check_of_sizes_finds_what_it_should(text: str, found: list[str]) -> None:
    assert too_long(text) == found


def test_the_exporter_has_few_modules() -> None:
    found = len(modules("exporter"))
    assert found <= MAX_EXPORTER_MODULES, f"exporter/ has {found} modules"


def comments(text: str) -> Iterator[str]:
    """Yield the comments of a module."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def without_reason(text: str) -> list[str]:
    """Return the comments that switch a check off and do not say why in two words or more."""
    return [
        comment
        for comment in comments(text)
        if _DIRECTIVE.search(comment)
        and len(re.findall(r"[^\W\d]{2,}", _DIRECTIVE.sub("", comment))) < 2
    ]


def test_an_exception_from_a_check_has_its_reason() -> None:
    assert offenders([*LIMITED, *TESTS], without_reason) == {}


@pytest.mark.parametrize(
    ("comment", "accepted"),
    [
        ("# noqa: S311", False),
        ("# noqa", False),
        ("# noqa: S311, PLR2004", False),
        ("# type: ignore[arg-type]", False),
        ("# type: ignore[no-untyped-call]  # noqa: S311", False),
        ("# pragma: no cover", False),
        ("# noqa: S311 - nothing secret", True),
        ("# type: ignore[arg-type]  # the library has no types", True),
        ("# an ordinary comment", True),
    ],
)
def test_the_check_of_reasons_finds_what_it_should(comment: str, *, accepted: bool) -> None:
    assert (without_reason(f"x = 1  {comment}\n") == []) is accepted


def test_an_exception_in_the_configuration_has_its_reason() -> None:
    """Rules of ruff that are ignored, and lines that coverage excludes."""
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    exceptions = [
        line for line in lines if re.match(r'  "(?:[A-Z]+\d+|.*(?:TYPE_|\\\\).*)",', line)
    ]
    assert len(exceptions) > 10
    assert [line for line in exceptions if not re.search(r"# \w+ \w+", line)] == []


def patches(text: str) -> list[str]:
    """Return the statements of a test module that replace a part of another module."""
    tree = ast.parse(text)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {(each.asname or each.name).split(".")[0] for node in imports for each in node.names}
    found = [node for node in imports if "mock" in ast.unparse(node)]
    return [ast.unparse(node) for node in (*found, *_replacements(tree, imported))]


def _replacements(tree: ast.Module, imported: set[str]) -> Iterator[ast.AST]:
    """Yield the nodes that set or delete an attribute of an imported name."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="monkeypatch"), attr=attr) if attr != "chdir":
                yield node
            case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()) if (
                name in imported
            ):
                yield node
            case ast.Call(
                func=ast.Name(id="setattr" | "delattr"), args=[ast.Name(id=name), *_]
            ) if name in imported:
                yield node


def test_no_test_patches_a_module() -> None:
    """A test may change the working directory; limits are arguments of functions."""
    assert offenders(TESTS, patches) == {}


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("from unittest import mock", False),
        ("from unittest.mock import patch", False),
        ("monkeypatch.setattr(socket, 'x', 1)", False),
        ("from exporter import log\nlog.LEVELS = ()", False),
        ("import exporter.log as log\nlog.LEVELS, y = (), 1", False),
        ("import socket\ndel socket.AF_INET", False),
        ("import socket\nsetattr(socket, 'x', 1)", False),
        ("monkeypatch.chdir(path)", True),
        ("from exporter import log\nx = log.LEVELS", True),
        ("self.x = 1\nsetattr(self, 'x', 1)", True),
    ],
)
def test_the_check_of_patches_finds_what_it_should(text: str, *, accepted: bool) -> None:
    assert (patches(text) == []) is accepted
