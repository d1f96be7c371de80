"""Reads a tree of YAML nodes against a shape, and reports every problem in it.

The reader reads each node at most once per shape, however many aliases it has. The work is linear
in the size of the file, and a problem in an anchored node is reported once.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

import yaml

from exporter.config.shapes import (
    INVALID,
    Check,
    ListOf,
    MapOf,
    Scalar,
    Section,
    Shape,
    fields,
    no_check,
)
from exporter.errors import Problem

Resolvers: TypeAlias = Mapping[str, Callable[[str], str]]
"""By name: text of a scalar in, its value out. ValueError says what is wrong with the text."""

Checks: TypeAlias = Mapping[type, Check]
"""By the class of a section: a check beside that of the shape. It may read files."""

_Pairs: TypeAlias = dict[str, tuple[yaml.ScalarNode, yaml.Node]]

# A long or unusual key may be a pasted secret, so no message repeats it.
_HARMLESS_KEY: Final = re.compile("[a-zA-Z_][a-zA-Z0-9_.-]{0,31}")

_STANDARD: Final = "tag:yaml.org,2002:"
_FOUND: Final = {
    (yaml.ScalarNode, "str"): "text",
    (yaml.ScalarNode, "int"): "a number",
    (yaml.ScalarNode, "float"): "a number",
    (yaml.ScalarNode, "bool"): "true or false (as YAML reads yes, no, on and off)",
    (yaml.ScalarNode, "timestamp"): "a date",
    (yaml.ScalarNode, "null"): "nothing",
    (yaml.ScalarNode, "value"): "a symbol that YAML reserves",
    (yaml.ScalarNode, "merge"): "a symbol that YAML reserves",
    (yaml.SequenceNode, "seq"): "a list",
    (yaml.MappingNode, "map"): "a mapping",
}
_SECRETS: Final = ("key", "apikey", "token", "secret", "password", "ultravoxapikey", "xapikey")


class Reader:
    """Reads one file once. `problems` fills as nodes are read."""

    def __init__(self, file: str, resolvers: Resolvers, checks: Checks) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._resolvers = resolvers
        self._checks = checks
        self._values: dict[tuple[int, int], object] = {}

    def read(self, shape: Shape, node: yaml.Node, path: str) -> object:
        """Return the node's value; INVALID where a problem in it has been reported."""
        visit = (id(shape), id(node))
        if visit not in self._values:
            self._values[visit] = self._read(shape, node, path)
        return self._values[visit]

    def _read(self, shape: Shape, node: yaml.Node, path: str) -> object:
        match shape, node:
            case Section() | MapOf(), yaml.MappingNode() if merge := _merge_key(node):
                message = "merge keys (<<) are not supported: repeat the keys"
                return self._report(merge, path, message)
            case Scalar(), yaml.ScalarNode() if _yaml_type(node) in shape.yaml_types:
                return self._scalar(shape, node, path)
            case ListOf(), yaml.SequenceNode() if _yaml_type(node) == "seq":
                return self._list(shape, node, path)
            case MapOf(), yaml.MappingNode() if _yaml_type(node) == "map":
                return self._map(shape, node, path)
            case Section(), yaml.MappingNode() if _yaml_type(node) == "map":
                return self._section(shape, node, path)
        return self._report(node, path, _mismatch(shape, node))

    def _report(self, node: yaml.Node, path: str, message: str) -> object:
        self.problems.append(Problem(self._file, _line(node), path, message))
        return INVALID

    def _scalar(self, scalar: Scalar, node: yaml.ScalarNode, path: str) -> object:
        try:
            value = scalar.parse(node.value)
            return self._resolvers[scalar.resolver](node.value) if scalar.resolver else value
        except ValueError as error:
            return self._report(node, path, str(error))

    def _list(self, shape: ListOf, node: yaml.SequenceNode, path: str) -> object:
        if len(node.value) < shape.lowest:
            return self._report(node, path, "the list is empty: expected at least one entry")
        if shape.unique:
            self._report_duplicates(shape.unique, node, path)
        items = enumerate(node.value)
        values = [self.read(shape.item, item, f"{path}[{index}]") for index, item in items]
        return INVALID if INVALID in values else tuple(values)

    def _report_duplicates(self, key: str, node: yaml.SequenceNode, path: str) -> None:
        first_use: dict[str, int] = {}
        for index, item in enumerate(node.value):
            for text in _texts_of_key(key, item):
                first = first_use.setdefault(text.value, index)
                if first != index:
                    line = _line(next(_texts_of_key(key, node.value[first])))
                    place = f"{path}[{index}].{key}"
                    self._report(text, place, f"already used on line {line}: must be unique")

    def _map(self, shape: MapOf, node: yaml.MappingNode, path: str) -> object:
        values = {}
        for name, (key, value) in self._pairs(node, path).items():
            place = _join(path, name)
            self._scalar(shape.key, key, place)
            values[name] = self.read(shape.value, value, place)
        return INVALID if INVALID in values.values() else values

    def _section(self, shape: Section, node: yaml.MappingNode, path: str) -> object:
        pairs = self._pairs(node, path)
        known = fields(shape.cls)
        values = {}
        for name, field in known.items():
            values[name] = field.default
            if name in pairs:
                values[name] = self.read(field.shape, pairs[name][1], _join(path, name))
            elif field.required:
                message = f"missing: expected {field.shape.expected}"
                self._report(node, _join(path, name), message)
        for name in [name for name in pairs if name not in known]:
            self._report(pairs[name][0], _join(path, name), _unknown_key(name, known))
        more = self._checks.get(shape.cls, no_check)
        for at_fault, message in (*shape.check(values), *more(values)):
            name = next((name for name in at_fault if name in pairs), "")
            self._report(pairs[name][1] if name else node, _join(path, name), message)
        return INVALID if INVALID in values.values() else shape.cls(**values)

    def _pairs(self, node: yaml.MappingNode, path: str) -> _Pairs:
        pairs: _Pairs = {}
        for key, value in node.value:
            if _yaml_type(key) != "str" or not isinstance(key, yaml.ScalarNode):
                self._report(key, path, "a key is not text: put it in quotes")
            elif key.value in pairs:
                line = _line(pairs[key.value][0])
                self._report(key, _join(path, key.value), f"duplicate key, first on line {line}")
            else:
                pairs[key.value] = (key, value)
        return pairs


def _texts_of_key(key: str, item: yaml.Node) -> Iterator[yaml.ScalarNode]:
    for name, value in item.value if isinstance(item, yaml.MappingNode) else ():
        if name.value == key and _yaml_type(value) == "str":
            yield value


def _merge_key(node: yaml.MappingNode) -> yaml.Node | None:
    return next((key for key, _ in node.value if _yaml_type(key) == "merge"), None)


def _join(path: str, name: str) -> str:
    """Return the path of a key; the path of its mapping where the key may be a pasted secret."""
    if not _HARMLESS_KEY.fullmatch(name):
        return path
    return f"{path}.{name}" if path else name


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1


def _yaml_type(node: yaml.Node) -> str:
    """Return YAML's short name for a node's type (`str`, `int`, `map`), or the tag of the node."""
    return node.tag.removeprefix(_STANDARD)


def _mismatch(shape: Shape, node: yaml.Node) -> str:
    """Return the message for a node whose type is not the shape's."""
    found = _FOUND.get((type(node), _yaml_type(node)))
    if found is None:
        return f"expected {shape.expected}, found a YAML tag: only plain values are read"
    return f"expected {shape.expected}, found {found}{_advice(shape, node)}"


def _advice(shape: Shape, node: yaml.Node) -> str:
    if isinstance(shape, Section) and _yaml_type(node) in {"null", "bool"}:
        return ": write {} for the defaults"
    if _yaml_type(node) == "null":
        return ""
    if isinstance(shape, ListOf):
        return ": begin each entry with '-'"
    quotable = isinstance(shape, Scalar) and shape.yaml_types == ("str",)
    return ": put it in quotes" if quotable and isinstance(node, yaml.ScalarNode) else ""


def _unknown_key(name: str, allowed: Iterable[str]) -> str:
    """Return the message for a key that a section does not have."""
    if name.lower().replace("_", "").replace("-", "") in _SECRETS:
        return "unknown key: the API key is not written here, use api_key_file or api_key_env"
    near = difflib.get_close_matches(name, allowed, n=1)
    if near:
        return f"unknown key (did you mean '{near[0]}'?)"
    return f"unknown key: expected one of {', '.join(allowed)}"
