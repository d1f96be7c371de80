"""Every text that ships, with its file and line."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]

DOCUMENTS = (
    "*.md",
    "docs/**/*.md",
    "docs/*.json",
    "*.yaml",
    "*.toml",
    "Makefile",
    "Dockerfile",
    ".ci/*",
    ".github/**/*.*",
    "prometheus/*.yml",
    "grafana/**/*.yml",
)
"""Files that are searched as they are."""

CODE = ("exporter", "tools", "tests", "benchmarks")

SEARCHED_NOWHERE = ("tests/wording/", "tests/test_wording.py")
"""The list of banned phrases names them all."""

SHOWN_BY_GRAFANA = frozenset(
    {"title", "description", "legendFormat", "displayName", "label", "text", "content", "value"}
)
"""Keys of a dashboard whose text a reader sees."""

EVENT_METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
LOGGERS = frozenset({"log", "bound", "logger", "_log", "_logger"})


class Text(msgspec.Struct, frozen=True):
    """A text, where it is and of which kind it is (`PROSE` or `NAME` of `phrases`).

    `line` is the number of its first line, counted from 1, and 0 for a text without a file.
    `event` is a log event as it is in the code.
    """

    path: str
    line: int
    kind: str
    text: str
    event: str = ""


def files() -> Iterator[Path]:
    """Yield every file that has text, each once."""
    found = {path for pattern in DOCUMENTS for path in ROOT.glob(pattern) if path.is_file()}
    found |= {path for folder in CODE for path in (ROOT / folder).rglob("*.py")}
    found |= {*(ROOT / "grafana").glob("*.json")}
    for path in sorted(found):
        if not name_of(path).startswith(SEARCHED_NOWHERE):
            yield path


def name_of(path: Path) -> str:
    """Return a file's path inside the repository."""
    return path.relative_to(ROOT).as_posix()


def texts_of(name: str, source: str) -> Iterator[Text]:
    """Yield the texts of a file."""
    if name.endswith(".py"):
        yield from python(name, source)
    elif name.startswith("grafana/") and name.endswith(".json"):
        yield from dashboard(name, source)
    else:
        yield Text(name, 1, "docs", source)


def python(name: str, source: str) -> Iterator[Text]:
    """Yield the comments, docstrings, names, log events and other strings of a module.

    Of the tests, strings are data: only their comments, docstrings and names are texts.
    """
    tree = ast.parse(source)
    yield Text(name, 1, "name", words(Path(name).stem))
    yield from comments(name, source)
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    pieces = {
        id(piece)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for piece in ast.walk(node)
        if isinstance(piece, ast.Constant)
    }
    for node in ast.walk(tree):
        for line, found in defined(node):
            yield Text(name, line, "name", words(found))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in docstrings:
                yield Text(name, node.lineno, "docstring", node.value)
            elif id(node) not in pieces and not name.startswith("tests/"):
                yield from _string(name, node, node.value)
        elif isinstance(node, ast.JoinedStr) and not name.startswith("tests/"):
            yield from _string(name, node, joined(node))
    yield from events(name, tree)


def _string(name: str, node: ast.expr, value: str) -> Iterator[Text]:
    """Yield a string that may be a sentence: it has a blank."""
    if " " in value.strip():
        yield Text(name, node.lineno, "string", value)


def joined(node: ast.JoinedStr) -> str:
    """Return the text of an f-string, `{}` in place of each value."""
    return "".join(
        str(piece.value) if isinstance(piece, ast.Constant) else "{}" for piece in node.values
    )


def comments(name: str, source: str) -> Iterator[Text]:
    """Yield the comments, those on lines of their own joined to their neighbours."""
    first, lines, last = 0, list[str](), -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        row, alone = token.start[0], not token.line[: token.start[1]].strip()
        if not (alone and row == last + 1) and lines:
            yield Text(name, first, "comment", "\n".join(lines))
            lines = []
        first = first if lines else row
        lines.append(token.string.lstrip("#! "))
        last = row if alone else -1
    if lines:
        yield Text(name, first, "comment", "\n".join(lines))


def defined(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and name of what a node defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.lineno, node.name
    elif isinstance(node, ast.arg):
        yield node.lineno, node.arg
    elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr


def words(name: str) -> str:
    """Return the words of a name in lower case."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return spaced.replace("_", " ").replace("-", " ").strip().lower()


def events(name: str, tree: ast.AST) -> Iterator[Text]:
    """Yield the log events: what the methods of a logger, and names for them, are called with."""
    if name.startswith("tests/"):
        return
    aliases = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _has_log_method(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        by_alias = isinstance(node.func, ast.Name) and node.func.id in aliases
        if by_alias or _is_log_method(node.func):
            for event in _constants(node.args[0]):
                yield Text(name, node.lineno, "name", words(event), event)


def _is_log_method(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in EVENT_METHODS
        and (
            (isinstance(node.value, ast.Name) and node.value.id in LOGGERS)
            or (isinstance(node.value, ast.Attribute) and node.value.attr in LOGGERS)
        )
    )


def _has_log_method(node: ast.AST) -> bool:
    return isinstance(node, ast.IfExp) and _is_log_method(node.body)


def _constants(node: ast.expr) -> Iterator[str]:
    """Yield the strings that an expression may be, `name` in place of what is not constant."""
    if isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        yield joined(node).replace("{}", "name")
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def dashboard(name: str, source: str) -> Iterator[Text]:
    """Yield what a reader sees of a Grafana dashboard."""
    lines = source.splitlines()
    for key, value in _leaves(msgspec.json.decode(source)):
        if key in SHOWN_BY_GRAFANA:
            quoted = msgspec.json.encode(value).decode()
            line = next((at for at, text in enumerate(lines, 1) if quoted in text), 1)
            yield Text(name, line, "docs", value)


def _leaves(node: Any, key: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON of many shapes
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _leaves(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value, key)
    elif isinstance(node, str):
        yield key, node


def help_texts(families: Iterable[tuple[str, str]]) -> Iterator[Text]:
    """Yield the HELP texts of metrics, given as (name, help)."""
    for metric, text in families:
        yield Text(f"HELP {metric}", 0, "help", text)
