"""Finds the banned phrases in texts, and docstrings and log events that do not follow the style."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from tests.wording.phrases import PHRASES, beginnings
from tests.wording.texts import Text, name_of, texts_of

EVENT = re.compile(r"[a-z]+(?:_[a-z]+)+")
"""How a log event is written: a noun and a past verb, `agent_poll_failed`."""

EVENTS_OF_ONE_WORD = frozenset({"listening"})
"""Log events of one word that are contracts."""


class Finding(msgspec.Struct, frozen=True):
    """A banned phrase at a place, and what to write instead. `line` is 0 without a file."""

    path: str
    line: int
    phrase: str
    write: str

    def __str__(self) -> str:
        """Return the finding as one line, its place in the form that editors read."""
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.phrase!r}: write {self.write}"


def in_file(path: Path) -> list[Finding]:
    """Return every finding of a file, in the order of lines."""
    return in_source(name_of(path), path.read_text("utf-8"))


def in_source(name: str, source: str) -> list[Finding]:
    """Return every finding of a file's text, in the order of lines. `name` is the file's path."""
    found = [*in_texts(texts_of(name, source))]
    if name.endswith(".py"):
        found += in_docstrings(name, source)
    return sorted({*found}, key=lambda each: (each.line, each.phrase))


def in_texts(texts: Iterable[Text]) -> Iterator[Finding]:
    """Yield the banned phrases of texts, and log events that are not written as such."""
    for text in texts:
        for phrase in PHRASES:
            if text.kind not in phrase.kinds or not re.search(phrase.files, text.path):
                continue
            for match in phrase.findings(text.text):
                line = text.line and text.line + text.text.count("\n", 0, match.start())
                shown = " ".join(match[0].split())
                yield Finding(text.path, line, shown, phrase.write)
        odd = text.event and not EVENT.fullmatch(text.event)
        if odd and text.event not in EVENTS_OF_ONE_WORD:
            yield Finding(text.path, text.line, text.event, "noun_verb_past")


def in_docstrings(name: str, source: str) -> Iterator[Finding]:
    """Yield the docstrings whose first line does not say what the function returns or does."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        first = (ast.get_docstring(node) or "Return").splitlines()[0]
        word = re.split(r"[ ,:]", first)[0]
        if first[0].islower() or word in beginnings(name, attribute=_is_attribute(node)):
            yield Finding(name, node.lineno, first, "what it returns or does: Return …, Run …")


def _is_attribute(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Return whether a docstring describes a thing, not an action."""
    return isinstance(node, ast.ClassDef) or any(
        "property" in ast.unparse(decorator) for decorator in node.decorator_list
    )
