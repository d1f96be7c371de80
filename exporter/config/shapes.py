"""What a place in the file may hold: a scalar, a list, a mapping of names, or a record of fields.

Each field of a record is annotated with its shape and its description,
`Annotated[float, INTERVAL, "Time between two polls."]`: the reader of the file and the JSON Schema
follow the very annotations that make the run-time configuration.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias, get_args, get_type_hints

import msgspec

UNREAD: Final = object()
"""Stands for a value that is there but wrong, and has been reported."""

Complaint: TypeAlias = tuple[tuple[str, ...], str]
"""Keys to blame, the first that stands in the file, and what is wrong. No key: the record."""

Check: TypeAlias = Callable[[Mapping[str, object]], Iterator[Complaint]]
"""A rule over several fields of one record: its values by key, defaults included, or UNREAD."""


def no_check(_values: Mapping[str, object]) -> Iterator[Complaint]:
    """Have nothing to say: the check of a record whose fields do not depend on each other."""
    return iter(())


class Leaf(msgspec.Struct, frozen=True):
    """One scalar.

    `expected` completes the sentence "expected …"; `kinds` are the YAML kinds it may be written as
    (`str`, `int`, `float`, `bool`); `parse` gives the value or raises ValueError with a message
    that does not repeat the text; `schema` is its JSON Schema; `show` turns a default into what a
    file would say, where that differs; `step` names what the loader does with the text besides.
    """

    expected: str
    kinds: tuple[str, ...]
    parse: Callable[[str], object]
    schema: dict[str, object]
    show: Callable[[float], object] | None = None
    step: str = ""


class ListOf(msgspec.Struct, frozen=True):
    """A list of at least `lowest` items, no two of which have the same text under key `unique`."""

    item: "Leaf | Record"
    lowest: int = 0
    unique: str = ""
    expected: str = "a list"


class MapOf(msgspec.Struct, frozen=True):
    """A mapping whose keys the user chooses."""

    key: Leaf
    value: Leaf
    expected: str = "a mapping"


class Record(msgspec.Struct, frozen=True):
    """A mapping with known keys, which becomes a `cls`. `schema` is `check` in JSON Schema."""

    cls: type[msgspec.Struct]
    check: Check = no_check
    schema: dict[str, object] = {}
    expected: str = "a mapping"


Shape: TypeAlias = Leaf | ListOf | MapOf | Record


class Field(msgspec.Struct, frozen=True):
    """A key of a record. `default` is UNREAD where the key is required."""

    shape: Shape
    description: str
    default: object

    @property
    def required(self) -> bool:
        """Whether the key has to be in the file."""
        return self.default is UNREAD


@functools.cache
def fields(cls: type[msgspec.Struct]) -> Mapping[str, Field]:
    """Return the keys of a record in their order."""
    hints = get_type_hints(cls, include_extras=True)
    return {info.name: _field(hints[info.name], info) for info in msgspec.structs.fields(cls)}


def _field(hint: object, info: msgspec.structs.FieldInfo) -> Field:
    _, shape, description = get_args(hint)
    return Field(shape, description, _default(info))


def _default(info: msgspec.structs.FieldInfo) -> object:
    if info.default_factory is not msgspec.NODEFAULT:
        return info.default_factory()
    return UNREAD if info.required else info.default
