"""The file as one tree of YAML nodes, each with its line. A YAML tag never creates an object.

JSON is read as YAML, so that both have the same checks and line numbers.
"""

import json
import re
from pathlib import Path
from typing import Final

import yaml
from yaml.composer import ComposerError
from yaml.reader import ReaderError

from exporter.errors import ConfigError, Problem

_DEEPEST: Final = 32
_LARGEST: Final = 10 * 2**20
# PyYAML repeats aliases, anchors and tags in its messages, and any text may be a pasted key. Names
# of tokens, such as '<block end>', and single characters are kept.
_REPEATED: Final = re.compile("'[^'<\\s]{4,}'")
_SURROGATE_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_NULL: Final = "tag:yaml.org,2002:null"


class _Loader(yaml.SafeLoader):
    r"""PyYAML's safe loader, which also refuses recursive and very deep trees.

    It reads the escapes of JSON that YAML 1.1 does not have: `\/`, and two `\u` escapes for one
    character. Programs write them also into single values of a YAML file.
    """

    ESCAPE_REPLACEMENTS = {**yaml.SafeLoader.ESCAPE_REPLACEMENTS, "/": "/"}  # type: ignore[misc]  # noqa: RUF012 - PyYAML reads it as an attribute of the class
    _depth = 0

    def compose_scalar_node(self, anchor: dict[str, yaml.Node]) -> yaml.ScalarNode:
        node = super().compose_scalar_node(anchor)
        node.value = _SURROGATE_PAIR.sub(_one_character, node.value)
        return node

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        is_alias = self.check_event(yaml.AliasEvent)
        event = self.current_event
        if is_alias:
            target = self.anchors.get(event.anchor)
            if target is not None and target.end_mark is None:
                message = "an alias is inside its own anchor"
                raise ComposerError(None, None, message, event.start_mark)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ComposerError(None, None, f"more than {_DEEPEST} levels deep", event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def read(path: Path) -> yaml.Node:
    """Return the root node of the file's only document. Raises ConfigError.

    Empty documents are skipped: a `---` at the end of the file begins one.
    """
    file = str(path)
    loader = _loader(file, _spaced(_text(path)))
    root = _next(file, loader)
    if root is None:
        raise _error(file, None, "the file is empty: expected a mapping with the key accounts")
    second = _next(file, loader)
    if second is not None:
        line = second.start_mark.line + 1
        raise _error(file, line, "a second document starts here: write one document per file")
    return root


def _spaced(text: str) -> str:
    """Return the text; where it is JSON, with spaces for tabs, with which YAML does not indent.

    In JSON, no tab is inside of a string.
    """
    if "\t" not in text or not text.lstrip().startswith("{"):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text.replace("\t", " ")


def _one_character(pair: re.Match[str]) -> str:
    """Return the character of a surrogate pair."""
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")


def _loader(file: str, text: str) -> _Loader:
    try:
        return _Loader(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"not valid YAML: character #x{error.character:02x} is not allowed"
        raise _error(file, line, message) from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise _error(str(path), None, "larger than 10 MiB: expected a configuration file")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise _error(str(path), None, f"can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _error(str(path), line, "not UTF-8: save the file in UTF-8") from None


def _next(file: str, loader: _Loader) -> yaml.Node | None:
    """Return the root of the next document that is not empty, None at the end of the file."""
    try:
        while loader.check_node():
            root = loader.get_node()
            if root is not None and root.tag != _NULL:
                return root
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, error) from None
    except (ValueError, OverflowError):
        # PyYAML passes escapes such as "\UFFFFFFFF" and version numbers to Python unchecked.
        line = loader.get_mark().line + 1
        raise _error(file, line, "not valid YAML: a number is out of range") from None
    return None


def _syntax_error(file: str, error: yaml.MarkedYAMLError) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    context = f", {error.context}" if error.context else ""
    if error.context and error.context_mark:
        context += f" (line {error.context_mark.line + 1})"
    message = _REPEATED.sub("'…'", f"not valid YAML{context}: {error.problem}")
    return _error(file, mark.line + 1 if mark else None, message)


def _error(file: str, line: int | None, message: str) -> ConfigError:
    return ConfigError((Problem(file, line, "", message),))
