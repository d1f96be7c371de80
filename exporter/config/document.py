"""The file as one tree of YAML nodes, each with its line. A YAML tag never creates an object."""

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


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which also refuses recursive and very deep trees."""

    _depth = 0

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
    """Return the root node of the file's only document. Raises ConfigError."""
    file = str(path)
    loader = _loader(file, _text(path))
    root = _next(file, loader)
    if root is None or root.tag == "tag:yaml.org,2002:null":
        raise _error(file, None, "the file is empty: expected a mapping with the key accounts")
    second = _next(file, loader)
    if second is not None:
        line = second.start_mark.line + 1
        raise _error(file, line, "a second document starts here: write one document per file")
    return root


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
    try:
        return loader.get_node() if loader.check_node() else None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, error) from None
    except (ValueError, OverflowError):
        # PyYAML passes escapes such as "\UFFFFFFFF" and version numbers to Python unchecked.
        line = loader.get_mark().line + 1
        raise _error(file, line, "not valid YAML: a number is out of range") from None


def _syntax_error(file: str, error: yaml.MarkedYAMLError) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    context = f", {error.context}" if error.context else ""
    if error.context and error.context_mark:
        context += f" (line {error.context_mark.line + 1})"
    message = _REPEATED.sub("'…'", f"not valid YAML{context}: {error.problem}")
    return _error(file, mark.line + 1 if mark else None, message)


def _error(file: str, line: int | None, message: str) -> ConfigError:
    return ConfigError((Problem(file, line, "", message),))
