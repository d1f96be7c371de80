"""Reads a tree of YAML nodes against a shape, and reports everything that is wrong with it.

Each node is read at most once per shape, however often it is aliased: the work is linear in the
size of the file, and a problem in an anchored node is reported once.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

import yaml

from exporter.config.hints import kind, mismatch, unknown_key
from exporter.config.shapes import UNREAD, Leaf, ListOf, MapOf, Record, Shape, fields
from exporter.errors import Problem

Steps: TypeAlias = Mapping[str, Callable[[str], str]]
"""By name: text of a leaf in, its value out; ValueError says what is wrong with it."""

_Pairs: TypeAlias = dict[str, tuple[yaml.ScalarNode, yaml.Node]]

# A key may be a pasted secret; what is short and plain is not.
_SPEAKABLE: Final = re.compile("[a-zA-Z_][a-zA-Z0-9_.-]{0,31}")


class Walk:
    """One reading of one file. `problems` fills as values are read."""

    def __init__(self, file: str, steps: Steps) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._steps = steps
        self._read: dict[tuple[int, int], object] = {}

    def value(self, shape: Shape, node: yaml.Node, path: str) -> object:
        """Return the node's value, UNREAD where it has been reported as wrong."""
        visit = (id(shape), id(node))
        if visit not in self._read:
            self._read[visit] = self._value(shape, node, path)
        return self._read[visit]

    def _value(self, shape: Shape, node: yaml.Node, path: str) -> object:
        match shape, node:
            case Record() | MapOf(), yaml.MappingNode() if merge := _merge_key(node):
                message = "merge keys (<<) are not supported: repeat the keys"
                return self._report(merge, path, message)
            case Leaf(), yaml.ScalarNode() if kind(node) in shape.kinds:
                return self._leaf(shape, node, path)
            case ListOf(), yaml.SequenceNode() if kind(node) == "seq":
                return self._list(shape, node, path)
            case MapOf(), yaml.MappingNode() if kind(node) == "map":
                return self._map(shape, node, path)
            case Record(), yaml.MappingNode() if kind(node) == "map":
                return self._record(shape, node, path)
        return self._report(node, path, mismatch(shape, node))

    def _report(self, node: yaml.Node, path: str, message: str) -> object:
        self.problems.append(Problem(self._file, _line(node), path, message))
        return UNREAD

    def _leaf(self, leaf: Leaf, node: yaml.ScalarNode, path: str) -> object:
        try:
            value = leaf.parse(node.value)
            return self._steps[leaf.step](node.value) if leaf.step else value
        except ValueError as error:
            return self._report(node, path, str(error))

    def _list(self, shape: ListOf, node: yaml.SequenceNode, path: str) -> object:
        if len(node.value) < shape.lowest:
            return self._report(node, path, "the list is empty: expected at least one entry")
        if shape.unique:
            self._find_twins(shape.unique, node, path)
        items = enumerate(node.value)
        values = [self.value(shape.item, item, f"{path}[{index}]") for index, item in items]
        return UNREAD if UNREAD in values else tuple(values)

    def _find_twins(self, key: str, node: yaml.SequenceNode, path: str) -> None:
        lines: dict[str, int] = {}
        for index, item in enumerate(node.value):
            for text in _texts_under(key, item):
                first = lines.setdefault(text.value, index)
                if first != index:
                    line = _line(next(_texts_under(key, node.value[first])))
                    place = f"{path}[{index}].{key}"
                    self._report(text, place, f"used already on line {line}: must be unique")

    def _map(self, shape: MapOf, node: yaml.MappingNode, path: str) -> object:
        values = {}
        for name, (key, value) in self._pairs(node, path).items():
            place = _join(path, name)
            self._leaf(shape.key, key, place)
            values[name] = self.value(shape.value, value, place)
        return UNREAD if UNREAD in values.values() else values

    def _record(self, shape: Record, node: yaml.MappingNode, path: str) -> object:
        pairs = self._pairs(node, path)
        known = fields(shape.cls)
        values = {}
        for name, field in known.items():
            values[name] = field.default
            if name in pairs:
                values[name] = self.value(field.shape, pairs[name][1], _join(path, name))
            elif field.required:
                message = f"missing: expected {field.shape.expected}"
                self._report(node, _join(path, name), message)
        for name in [name for name in pairs if name not in known]:
            self._report(pairs[name][0], _join(path, name), unknown_key(name, known))
        for blamed, message in shape.check(values):
            name = next((name for name in blamed if name in pairs), "")
            self._report(pairs[name][1] if name else node, _join(path, name), message)
        return UNREAD if UNREAD in values.values() else shape.cls(**values)

    def _pairs(self, node: yaml.MappingNode, path: str) -> _Pairs:
        pairs: _Pairs = {}
        for key, value in node.value:
            if kind(key) != "str" or not isinstance(key, yaml.ScalarNode):
                self._report(key, path, "a key is not text: put it in quotes")
            elif key.value in pairs:
                line = _line(pairs[key.value][0])
                self._report(key, _join(path, key.value), f"duplicate key, first on line {line}")
            else:
                pairs[key.value] = (key, value)
        return pairs


def _texts_under(key: str, item: yaml.Node) -> Iterator[yaml.ScalarNode]:
    for name, value in item.value if isinstance(item, yaml.MappingNode) else ():
        if name.value == key and kind(value) == "str":
            yield value


def _merge_key(node: yaml.MappingNode) -> yaml.Node | None:
    return next((key for key, _ in node.value if kind(key) == "merge"), None)


def _join(path: str, name: str) -> str:
    """Return the place of a key; that of its mapping where the key might be a secret or no key."""
    if not _SPEAKABLE.fullmatch(name):
        return path
    return f"{path}.{name}" if path else name


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
